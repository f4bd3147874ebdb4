// APPEND (RFC 3501 §6.3.11, APPENDUID of RFC 4315, limits of RFC 7889). The message streams from the client into
// the store's writer; it is never whole in memory. What can be refused is refused before the client sends it.

import type { CommandArguments } from '../../imap/parse-command.ts';
import type { ContentWriter } from '../../mailstore/types.ts';
import { findFolder } from '../folders.ts';
import { ImapRefusal } from '../refusal.ts';
import type { SessionContext } from '../session-context.ts';
import { checkQuota } from './quota.ts';
import { checkFlags } from './store.ts';

type Arguments = CommandArguments<'APPEND'>;

/** What is refused but already on its way (LITERAL+) is read and thrown away up to here. */
const maxDiscardedBytes = 256 * 1024 * 1024;

export async function append(session: SessionContext, args: Arguments): Promise<string> {
  const { literal } = args;
  let folder: number;
  let flags: string[];
  let quota: number | undefined;
  try {
    ({ folder, flags, quota } = await check(session, args));
  } catch (error) {
    if (!literal.synchronizing) await discard(session, literal.size);
    throw error;
  }
  if (literal.synchronizing) {
    session.output.line('+ OK');
    session.output.flush();
  }
  const { store, clock } = session.server;
  const writer = store.contentWriter();
  const isSafe = await receive(session, writer, literal.size);
  if (!isSafe) {
    await writer.abort();
    throw new ImapRefusal('BAD', '', 'Expected the end of the command after the message.');
  }
  const content = await writer.finish();
  const { uidValidity, uids } = await store.append({
    folder,
    quota,
    messages: [{ content, flags, internalDate: args.internalDate ?? clock.now() }],
  });
  return `[APPENDUID ${uidValidity} ${uids[0]}] Append completed.`;
}

async function check(
  session: SessionContext,
  { mailbox, flags, literal }: Arguments,
): Promise<{ folder: number; flags: string[]; quota: number | undefined }> {
  const { messageSizeLimit } = session.server.options;
  const folder = findFolder(session, mailbox, 'TRYCREATE');
  if (literal.size === 0) throw new ImapRefusal('NO', '', "Can't save a zero byte message.");
  if (messageSizeLimit > 0 && literal.size > messageSizeLimit) {
    throw new ImapRefusal('NO', 'TOOBIG', `The message is larger than ${messageSizeLimit} octets.`);
  }
  const quota = await checkQuota(session, literal.size);
  return { folder: folder.id, flags: checkFlags(flags), quota };
}

/** The message and the line end after it; false where more follows. */
async function receive(session: SessionContext, writer: ContentWriter, size: number): Promise<boolean> {
  let failure: unknown;
  try {
    await session.input.stream(size, async (chunk) => {
      // After a failure the rest is read all the same, so that it is not taken for commands.
      if (failure !== undefined) return;
      try {
        await writer.write(chunk);
      } catch (error) {
        failure = error;
      }
    });
    const rest = await session.input.readLine(session.server.options.maxLineLength);
    if (failure !== undefined) throw failure;
    return rest.length === 0;
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

async function discard(session: SessionContext, size: number): Promise<void> {
  if (size > maxDiscardedBytes) session.bye('Too large literal.', 'Too large literal');
  await session.input.stream(size, () => undefined);
  await session.input.readLine(session.server.options.maxLineLength);
}
