// sendmail: Postfix's sendmail(1) for programs and people on this machine (-t -i -f -F -r -N -R -V …). Leaves the message in
// the maildrop folder of the data folder, where the server finds it at once, or when it next starts. Exit 0 means
// that the message is safe on disk; 75 that it could not be taken now.

import { userInfo } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { parseAddressList } from '../address/address-list.ts';
import { toExternal } from '../address/form.ts';
import { systemClock } from '../lib/clock.ts';
import { parseHeaderFields } from '../message/header-field.ts';
import { maildropFolder, MaildropWriter } from '../queue/maildrop.ts';
import { dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import { encodeXtext } from '../smtp/xtext.ts';
import { type CommandContext, CommandError } from './context.ts';
import { newaliases } from './postalias.ts';
import { listQueue } from './queue.ts';
import { DotReader, type SendmailOptions, parseSendmailOptions } from './sendmail-options.ts';

export function register(program: Command, context: CommandContext): void {
  program
    .command('sendmail')
    .description('send a message from standard input, with the options of sendmail(1)')
    .helpOption('--help')
    .allowUnknownOption()
    .argument('[arguments...]')
    .addHelpText('after', helpText)
    .action(async (args: string[]) => run(context, parseSendmailOptions(args)));
}

const helpText = `
Options: -t (recipients from To, Cc, Bcc), -i or -oi (a lone dot does not end the message), -f or -r SENDER,
-F NAME, -N never|success,failure,delay, -R full|hdrs, -V ENVID, -bp (list the queue), -bi (as newaliases).

Examples:
  printf 'Subject: hello\\n\\nHi!\\n' | posthaste sendmail anna@example.com
  posthaste sendmail -t -i -f robot@example.com < message.eml`;

async function run(context: CommandContext, options: SendmailOptions): Promise<void> {
  switch (options.mode) {
    case 'list':
      return listQueue(context);
    case 'index':
      return newaliases(context, []);
    case 'send':
      return send(context, options, process.stdin);
  }
}

/** Longer than any header that means something. */
const maxHeaderBytes = 1024 * 1024;

async function send(context: CommandContext, options: SendmailOptions, input: AsyncIterable<Buffer>): Promise<void> {
  const configuration = await loadConfiguration(context.configDirectory);
  const { settings } = configuration;
  const folder = path.join(dataDirectoryOf(configuration), maildropFolder);
  const sizeLimit = settings.integer('message_size_limit');
  const chunks = options.ignoreDots ? input : new DotReader(input);
  const iterator = chunks[Symbol.asyncIterator]();
  const start = options.fromHeader ? await readHeader(iterator) : Buffer.alloc(0);
  const recipients = [...options.recipients.flatMap(addresses), ...(options.fromHeader ? headerRecipients(start) : [])];
  if (recipients.length === 0)
    throw new CommandError('no recipient: name one, or use -t with a To, Cc or Bcc field', 2);
  const writer = await create(folder, {
    sender: sender(options),
    fullName: options.fullName,
    recipients: [...new Set(recipients)],
    notify: options.notify,
    ret: options.ret,
    envid: encodeXtext(options.envid),
  });
  try {
    let size = start.length;
    await writer.write(start);
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      size += next.value.length;
      if (sizeLimit > 0 && size > sizeLimit)
        throw new CommandError(`the message is larger than message_size_limit (${sizeLimit})`);
      await writer.write(next.value);
    }
    await writer.finish();
  } catch (error) {
    await writer.abort();
    if (error instanceof CommandError) throw error;
    throw new CommandError(`the message could not be stored in ${folder}: ${(error as Error).message}`, 75);
  }
}

async function create(folder: string, envelope: Parameters<typeof MaildropWriter.create>[1]): Promise<MaildropWriter> {
  try {
    return await MaildropWriter.create(folder, envelope, systemClock);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const advice = code === 'ENOENT' ? 'start the server once: posthaste start' : message;
    throw new CommandError(`the message could not be stored in ${folder}: ${advice}`, 75);
  }
}

function sender({ sender: given }: SendmailOptions): string {
  if (given === undefined) return userInfo().username;
  if (given === '' || given === '<>') return '';
  const [address, ...others] = addresses(given);
  if (address === undefined || others.length > 0) throw new CommandError(`${given}: not one address`, 2);
  return address;
}

function addresses(text: string): string[] {
  return parseAddressList(text).map((address) => toExternal(address));
}

/** Everything up to the first empty line at least. */
async function readHeader(iterator: AsyncIterator<Buffer>): Promise<Buffer> {
  let start = Buffer.alloc(0);
  while (!/\n\r?\n/.test(start.toString('latin1')) && start.length < maxHeaderBytes) {
    const next = await iterator.next();
    if (next.done) break;
    start = Buffer.concat([start, next.value]);
  }
  return start;
}

/** To, Cc and Bcc; of a resent message those with Resent- alone (RFC 5322 §3.6.6). */
function headerRecipients(start: Buffer): string[] {
  const text = start.toString('latin1');
  const end = /\n\r?\n/.exec(text);
  const fields = parseHeaderFields(end ? text.slice(0, end.index + 1) : text);
  const isResent = fields.some(({ name }) => /^resent-(?:to|cc|bcc)$/i.test(name));
  const wanted = isResent ? /^resent-(?:to|cc|bcc)$/i : /^(?:to|cc|bcc)$/i;
  const bodies = fields.filter(({ name }) => wanted.test(name)).map(({ body }) => body);
  return bodies.flatMap((body) => addresses(Buffer.from(body, 'latin1').toString('utf8')));
}
