/** docs/cli.md, made from the options table. */

import { COMMANDS, type CommandInfo, flagsOf, optionsOf } from './options.ts';
import { describeArgument } from './program.ts';

export function cliDocs(): string {
  const head = `# Command line

<!-- Made from sdk/cli/options.ts by \`npm run docs\`; a test compares the two. -->

Results go to standard output, progress and errors to standard error. The exit code is 0, or 1 after any error; an error is
one message, its code, and what to do about it.
`;
  return [head, ...COMMANDS.map(section)].join('\n');
}

function section(info: CommandInfo): string {
  const rows = optionsOf(info.name).map(
    (o) => `| \`${flagsOf(o)}\` | ${o.default ? `\`${o.default}\`` : ''} | ${o.description.replaceAll('|', '\\|')} |`,
  );
  const names = info.arguments.map((a) => ` <${a.name}>`).join('');
  const meanings = info.arguments.map((a) => `\n\`<${a.name}>\`: ${describeArgument(a)}.\n`).join('');
  return `## \`isobit ${info.name}${names} [options]\`

${info.description}
${meanings}
| option | default | |
|---|---|---|
${rows.join('\n')}
`;
}
