// posthaste mailbox rename|remove|restore: what becomes of an address, and what depends on it.

import type { Command } from 'commander';
import type { References } from '../directory/references.ts';
import { openStoreReader } from '../mailstore/store-reader.ts';
import { type ConfirmOptions, confirm, namedBy, yesOption } from './confirm.ts';
import type { CommandContext } from './context.ts';
import { type DirectorySession, withDirectory } from './directory-session.ts';
import { formatTime, printDone } from './output.ts';
import { formatSize } from './sizes.ts';

interface RenameOptions {
  readonly keepAlias?: true;
  readonly moveReferences?: true;
}

export function registerRemoval(group: Command, context: CommandContext): void {
  group
    .command('rename')
    .description('give a mailbox another address, also in another domain; its mail and all that is in it stay')
    .argument('<address>')
    .argument('<new address>')
    .option('--keep-alias', 'the old address becomes an alias of the new one')
    .option(
      '--move-references',
      'aliases, lists, forwards and sender rights that name the old address name the new one',
    )
    .action((address: string, to: string, options: RenameOptions) => rename(context, address, to, options));
  group
    .command('remove')
    .description('remove a mailbox; it can be restored for some time')
    .argument('<address>')
    .option(...yesOption)
    .action((address: string, options: ConfirmOptions) => remove(context, address, options));
  group
    .command('restore')
    .description('bring a removed mailbox back with its mail')
    .argument('<address>')
    .action((address: string) => restore(context, address));
}

async function rename(context: CommandContext, address: string, to: string, options: RenameOptions): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    const { before, references, ...info } = await directory.mailboxes.rename(address, to, options);
    printDone(context, `${before} is ${info.address} from now on`, { ...info, before, references });
    if (context.json) return;
    context.print(`its owner logs in as ${info.address}`);
    if (!options.keepAlias)
      tellReferences(context, before, references, `posthaste alias add ${before} ${info.address}`);
  });
}

async function remove(context: CommandContext, address: string, options: ConfirmOptions): Promise<void> {
  await withDirectory(context, false, async (session) => {
    const { directory } = session;
    await confirm(context, `Remove ${address}?`, await dependents(session, address), options);
    const { references, recoverableUntil } = await directory.mailboxes.remove(address);
    const { aliases: danglingAliases, lists, forwards, senderLogins, copies } = references;
    printDone(
      context,
      `${address} removed; until ${formatTime(recoverableUntil)}: posthaste mailbox restore ${address}`,
      {
        address,
        removed: true,
        recoverableUntil,
        danglingAliases,
        lists,
        forwards,
        senderLogins,
        copies,
      },
    );
    if (!context.json) tellReferences(context, address, references);
  });
}

/** What goes, and what names it, before anybody says yes. */
async function dependents({ directory, dataDirectory }: DirectorySession, address: string): Promise<string[]> {
  const info = await directory.mailboxes.need(address);
  const store = openStoreReader(dataDirectory);
  try {
    const { bytes, messages } = store?.usage(info.id) ?? { bytes: 0, messages: 0 };
    const passwords = (await directory.appPasswords.list(address)).length;
    return [
      `${info.address} holds ${messages} ${messages === 1 ? 'message' : 'messages'}, ${formatSize(bytes)}`,
      ...(passwords === 0 ? [] : [`it has ${passwords} app ${passwords === 1 ? 'password' : 'passwords'}`]),
      ...(await namedBy(directory, address)),
    ];
  } finally {
    store?.close();
  }
}

/** `mend` is for all of them at once. */
function tellReferences(context: CommandContext, address: string, references: References, mend?: string): void {
  const { aliases, lists, forwards, senderLogins, copies } = references;
  const tell = (what: string, who: readonly string[], how: string): void => {
    if (who.length > 0) context.warn(`${what}: ${who.join(', ')}; change them with: ${mend ?? how}`);
  };
  tell('these lists still have it', lists, `posthaste list members remove LIST ${address}`);
  tell('these aliases still lead to it, so their mail bounces', aliases, 'posthaste alias set');
  tell('these mailboxes are still forwarded to it', forwards, 'posthaste mailbox set MAILBOX --forward ADDRESS');
  tell(
    'something is still said of these logins sending as it',
    senderLogins,
    `posthaste sender-login remove ${address} LOGIN`,
  );
  tell('it still gets copies of the mail of', copies, 'posthaste bcc set --sender|--recipient PLACE ADDRESS');
}

async function restore(context: CommandContext, address: string): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    const info = await directory.mailboxes.restore(address);
    printDone(context, `${info.address} is back with its mail`, info);
  });
}
