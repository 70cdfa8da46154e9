/** What `navigator.gpu` is elsewhere, a GPU; null where the package is not installed. The same object at each call. */
export function dawn(): Promise<object | null>;
