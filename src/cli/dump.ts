// posthaste dump: the directory as text that apply takes.

import type { Command } from 'commander';
import { dump as dumpText } from '../interop/desired/dump.ts';
import { type CommandContext, CommandError } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { drained } from './output.ts';

const examples = `
Writes YAML in a stable order, so that two dumps can be compared line by line and kept in a repository. There is no
secret in it, unless --with-hashes adds the hashes of passwords.

Examples:
  posthaste dump > directory.yaml
  posthaste dump --domain example.com
  posthaste dump --with-hashes > directory.yaml       to build the same host elsewhere: keep it secret`;

interface DumpOptions {
  readonly domain?: string;
  readonly withHashes?: true;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('dump')
    .description('write the directory as YAML, for apply')
    .option('--domain <domain>', 'this one only, with its alias domains')
    .option('--with-hashes', 'with the hashes of passwords')
    .addHelpText('after', examples)
    .action((options: DumpOptions) => dump(context, options));
}

async function dump(context: CommandContext, { domain, withHashes }: DumpOptions): Promise<void> {
  if (context.remote !== undefined) {
    if (withHashes) throw new CommandError('--with-hashes is for the host itself: run it there', 2);
    const { yaml } = await context.remote.call<{ yaml: string }>('directory.dump', { domain });
    context.print(context.json ? JSON.stringify({ yaml }) : yaml.replace(/\n$/, ''));
    return;
  }
  await withDirectory(context, true, async ({ directory }) => {
    const info = domain === undefined ? undefined : await directory.domains.show(domain);
    if (domain !== undefined && info === undefined) throw new CommandError(`${domain} is not hosted here`);
    const options = { withHashes: withHashes === true, ...(info && { domain: info.name }) };
    if (context.json) {
      const texts: string[] = [];
      for await (const text of dumpText(directory, options)) texts.push(text);
      context.print(JSON.stringify({ yaml: texts.join('') }));
      return;
    }
    for await (const text of dumpText(directory, options)) {
      context.print(text.replace(/\n$/, ''));
      await drained();
    }
  });
}
