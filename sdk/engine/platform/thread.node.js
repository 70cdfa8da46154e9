/** The same in Node, whose threads are addressed in another way. */
import { parentPort } from 'node:worker_threads';
import { serve } from './thread.js';

parentPort?.once('message', (errand) => serve(errand, (word) => parentPort?.postMessage(word)));
