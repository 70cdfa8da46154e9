/** Where the platform hashes aside by itself, or has one thread. */

/** @returns {Promise<null>} */
export const hash = async () => null;
