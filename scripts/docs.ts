/** `npm run docs`: writes the pages that are made from tables in the code. */

import { writeFileSync } from 'node:fs';
import { cliDocs } from '../sdk/cli/docs.ts';

writeFileSync(new URL('../docs/cli.md', import.meta.url), cliDocs());
