// posthaste setup-link: prints a new one-time link with which the host's first administrator is made in a browser.

import type { Command } from 'commander';
import { makeSetupToken } from '../admin/setup-token.ts';
import { systemClock } from '../lib/clock.ts';
import { planListeners } from '../main/listeners.ts';
import { loadConfiguration } from '../settings/configuration.ts';
import { type CommandContext, CommandError } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { pageOrigin, setupLink } from './setup-address.ts';

const help = `
The link is good for a day and for one administrator; a new one makes the one before void. Whoever has it can make himself the
administrator of this host: give it to nobody.`;

export function register(program: Command, context: CommandContext): void {
  program
    .command('setup-link')
    .description('print a new link to set up this host in a browser, while it has no administrator')
    .addHelpText('after', help)
    .action(() => print(context));
}

async function print(context: CommandContext): Promise<void> {
  const configuration = await loadConfiguration(context.configDirectory);
  const origin = pageOrigin(planListeners(configuration), configuration.settings.text('myhostname'));
  if (origin === undefined) {
    throw new CommandError('no page is served: set posthaste_http_listen or posthaste_https_listen in main.cf');
  }
  await withDirectory(context, false, async ({ directory }) => {
    const token = await makeSetupToken(directory, systemClock);
    if (token === undefined) {
      throw new CommandError(
        'this host has an administrator already: log in; a lost password is set anew with: posthaste admin set LOGIN --password',
      );
    }
    const link = setupLink(origin, token);
    context.print(context.json ? JSON.stringify({ link }) : link);
  });
}
