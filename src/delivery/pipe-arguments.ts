// The arguments of a pipe(8) command with its macros filled in. An argument that names a recipient stands once for each
// of them; one that does not, once. No shell sees the result, so nothing in it needs quoting.

import { localpartOf, toExternal, toInternal } from '../address/form.ts';
import { type ExtensionRules, splitExtension } from '../address/extension.ts';
import type { QueueMessage, QueueRecipient } from '../mailstore/types.ts';
import {
  macroPattern,
  type MessageMacro,
  type PipeOptions,
  type RecipientMacro,
  recipientMacros,
} from './pipe-options.ts';

type Envelope = Pick<QueueMessage, 'id' | 'sender' | 'size'>;

export function pipeArguments(
  { argv, flags, nullSender }: Pick<PipeOptions, 'argv' | 'flags' | 'nullSender'>,
  message: Envelope,
  {
    nexthop,
    recipients,
    extensions,
  }: { nexthop: string; recipients: readonly QueueRecipient[]; extensions: ExtensionRules },
): string[] {
  const whole: Readonly<Record<MessageMacro, string>> = {
    nexthop,
    sender: message.sender === '' ? nullSender : written(toInternal(message.sender), flags),
    size: String(message.size),
    queue_id: message.id,
  };
  const each = recipients.map((recipient) => recipientValues(recipient, flags, extensions));
  return argv.flatMap((argument) => {
    const fill = (values: Readonly<Record<string, string>>): string =>
      argument.replaceAll(macroPattern, (text, braced?: string, round?: string, bare?: string) =>
        text === '$$' ? '$' : (values[braced ?? round ?? bare ?? ''] ?? ''),
      );
    return namesRecipient(argument) ? each.map((values) => fill({ ...whole, ...values })) : [fill(whole)];
  });
}

function namesRecipient(argument: string): boolean {
  return [...argument.matchAll(macroPattern)].some((match) =>
    recipientMacros.some((name) => name === (match[1] ?? match[2] ?? match[3])),
  );
}

function recipientValues(
  { recipient, original }: QueueRecipient,
  flags: ReadonlySet<string>,
  extensions: ExtensionRules,
): Record<RecipientMacro, string> {
  const address = folded(toInternal(recipient), flags);
  const mailbox = localpartOf(address);
  const split = splitExtension(mailbox, extensions);
  const at = address.lastIndexOf('@');
  return {
    recipient: written(address, flags),
    original_recipient: written(folded(toInternal(original), flags), flags),
    mailbox,
    user: split?.bare ?? mailbox,
    extension: split?.extension.slice(1) ?? '',
    domain: at === -1 ? '' : address.slice(at + 1),
  };
}

/** Flags `h` and `u`. */
function folded(address: string, flags: ReadonlySet<string>): string {
  const at = address.lastIndexOf('@');
  const [localpart, domain] = at === -1 ? [address, ''] : [address.slice(0, at), address.slice(at)];
  return (flags.has('u') ? localpart.toLowerCase() : localpart) + (flags.has('h') ? domain.toLowerCase() : domain);
}

/** Flag `q`: white space and other special characters in the localpart are quoted (RFC 5322); else as they are. */
function written(internal: string, flags: ReadonlySet<string>): string {
  return flags.has('q') ? toExternal(internal) : internal;
}
