/** The form: what may be asked for, and when. */

import type { Ask, Backend, Example, Opened, Setup } from './protocol.ts';
import { byId } from './theme.ts';

const ABOUT: Readonly<Record<Example, string>> = {
  iris: 'Fisher’s 150 flowers: 4 measures, 3 species. A network of 131 parameters learns to tell them apart.',
  digits: '10,000 handwritten digits, 2,000 of them held out. A network of 109,386 parameters learns to read.',
};
/** Steps a second where a run is to be watched: some ten seconds for each. */
const WATCHED: Readonly<Record<Example, number>> = { iris: 20, digits: 120 };

export interface Controls {
  /** Opens the run that is chosen. */
  open(): void;
  /** False where something else has been chosen meanwhile. */
  opened(run: Opened, imported: boolean): boolean;
  stopped(step: number, finished: boolean): void;
  failed(during: Ask['kind']): void;
  /** The file that was given last. */
  readonly file: string;
  /** A step of the run under way is done. */
  stepped(step: number): void;
  say(text: string): void;
}

export function makeControls(ask: (what: Ask) => void): Controls {
  const form = byId<HTMLFormElement>('controls');
  const [train, reset, exporter] = ['train', 'reset', 'export'].map((id) => byId<HTMLButtonElement>(id));
  const seed = byId<HTMLInputElement>('seed');
  const file = byId<HTMLInputElement>('file');
  let training = false;
  let given = '';
  let run: Opened | null = null;
  let step = 0;
  /** True between a wish and its answer. */
  let waiting = false;

  const chosen = (name: string) => new FormData(form).get(name) as string;
  const choose = (name: string, value: string) => {
    byId<HTMLInputElement>(`${name}-${value}`).checked = true;
  };
  const setup = (): Setup => ({
    example: chosen('example') as Example,
    backend: chosen('backend') as Backend,
    seed: seedIn(seed.value) ?? 42n,
  });
  const say = (text: string) => {
    byId('status').textContent = text;
  };
  const pace = () => {
    const perSecond = chosen('pace') === 'watch' ? WATCHED[setup().example] : null;
    ask({ kind: 'pace', perSecond });
  };

  function show(): void {
    const finished = run !== null && step >= run.epochs * run.stepsPerEpoch;
    form.dataset.state = waiting
      ? 'waiting'
      : training
        ? 'training'
        : finished
          ? 'finished'
          : step > 0
            ? 'stopped'
            : 'ready';
    train.textContent = training ? 'Stop' : step > 0 ? 'Go on' : 'Train';
    // At the end one thing is left to do.
    train.hidden = finished && !training;
    reset.classList.toggle('primary', finished && !training);
    train.dataset.doing = training ? 'stop' : 'train';
    const valid = seedIn(seed.value) !== null;
    train.disabled = waiting || (!training && (finished || !valid));
    reset.disabled = waiting || training || (run !== null && step === 0);
    exporter.disabled = waiting || run === null;
    seed.disabled = waiting || training || step > 0;
    seed.ariaInvalid = String(!valid);
    byId('seed-hint').textContent = !valid
      ? 'A whole number from 0 to 2⁶⁴ − 1.'
      : step > 0
        ? 'Decides every random choice of this run. Start over to change it.'
        : 'Decides every random choice. 42 has golden fingerprints to compare with.';
    byId('about').textContent = ABOUT[setup().example];
  }

  /** Asks for what takes a while; until the answer nothing else can be asked for. */
  function wait(what: Ask, text: string): void {
    [waiting, training] = [true, false];
    byId('alert').hidden = true;
    say(text);
    ask(what);
    show();
  }
  const open = () => {
    remember(form);
    pace();
    wait({ kind: 'open', setup: setup() }, 'Opening the run …');
  };

  form.addEventListener('submit', (e) => {
    e.preventDefault();
    if (training) {
      ask({ kind: 'stop' });
      say('Stopping …');
      waiting = true;
    } else {
      training = true;
      byId('alert').hidden = true;
      say('Training in a worker: this page stays free.');
      ask({ kind: 'train' });
    }
    show();
  });
  form.addEventListener('change', (e) => {
    const { name, id } = e.target as HTMLInputElement;
    if (name === 'pace') {
      remember(form);
      pace();
    } else if (name === 'example' || name === 'backend' || (id === 'seed' && seedIn(seed.value) !== null)) open();
  });
  seed.addEventListener('input', show);
  reset.addEventListener('click', () => wait({ kind: 'reset', setup: setup() }, 'Starting over …'));
  exporter.addEventListener('click', () => ask({ kind: 'export' }));
  byId('import').addEventListener('click', () => file.click());
  const take = (from: File | undefined) => {
    if (!from) return;
    given = from.name;
    wait({ kind: 'import', file: from, backend: setup().backend }, `Checking every byte of ${given} …`);
  };
  file.addEventListener('change', () => {
    take(file.files?.[0]);
    // So that the same file can be chosen again.
    queueMicrotask(() => {
      file.value = '';
    });
  });
  document.addEventListener('dragover', (e) => e.preventDefault());
  document.addEventListener('drop', (e) => {
    e.preventDefault();
    take(e.dataTransfer?.files[0]);
  });

  recall();
  return {
    get file() {
      return given;
    },
    open,
    opened(found, imported) {
      const { example, backend } = setup();
      if (!imported && (found.setup.example !== example || found.setup.backend !== backend)) return false;
      [run, step, waiting, training] = [found, found.step, false, false];
      choose('example', found.setup.example);
      seed.value = String(found.setup.seed);
      pace();
      const whole = found.epochs * found.stepsPerEpoch;
      const at = `at step ${found.step.toLocaleString('en')}`;
      if (imported) say(`Imported and verified: ${found.setup.example}, seed ${found.setup.seed}, ${at}.`);
      else if (!found.resumed) say('Ready.');
      else if (found.step >= whole) say(`Found the finished run in this browser.`);
      else say(`Found your run in this browser, ${at}.`);
      if (found.skipped.length > 0)
        say(`A newer checkpoint could not be read, and was passed over: ${found.skipped[0]}`);
      show();
      remember(form);
      return true;
    },
    stopped(at, finished) {
      [training, waiting, step] = [false, false, at];
      say(
        finished
          ? 'Finished, and saved in this browser.'
          : `Stopped and saved ${at === 0 ? 'before the first step' : `after step ${at.toLocaleString('en')}`}. Reload the page, change the device, or close the browser: it goes on from here.`,
      );
      show();
    },
    failed(during) {
      if (during === 'open' || during === 'reset') run = null;
      if (during === 'export' || during === 'classify') return;
      [waiting, training] = [false, false];
      say('');
      show();
    },
    stepped(at) {
      const first = step === 0;
      step = at;
      if (first) show();
    },
    say,
  };
}

const KEY = 'isobit-demo';
const REMEMBERED = ['example', 'backend', 'pace'] as const;

/** Keeps the choices for the next visit. They are a comfort: where nothing can be kept, nothing is. */
function remember(form: HTMLFormElement): void {
  const data = new FormData(form);
  try {
    localStorage.setItem(KEY, REMEMBERED.map((name) => data.get(name)).join(' '));
  } catch {}
}

function recall(): void {
  try {
    const values = localStorage.getItem(KEY)?.split(' ') ?? [];
    REMEMBERED.forEach((name, i) => {
      const input = document.getElementById(`${name}-${values[i]}`) as HTMLInputElement | null;
      if (input) input.checked = true;
    });
  } catch {}
}

/** A u64, or null. */
function seedIn(text: string): bigint | null {
  if (!/^\d{1,20}$/.test(text.trim())) return null;
  const seed = BigInt(text.trim());
  return seed < 1n << 64n ? seed : null;
}
