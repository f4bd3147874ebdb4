// What a filter orders at the end of a message, read from its packets (SMFIR_ADDHEADER and its kin). What each does to
// the message stands in editable-message.ts.

import type { EditableMessage } from './editable-message.ts';
import { FieldReader } from './fields.ts';
import { answer as letters, step } from './protocol.ts';

export type { EditableMessage } from './editable-message.ts';

/** An order that cannot be carried out: the filter is taken to be broken. */
export class BadEditError extends Error {
  override name = 'BadEditError';
}

/** False for what is no order. Throws BadEditError, PacketError. */
export async function applyEdit(
  message: EditableMessage,
  letter: string,
  data: Buffer,
  steps: number,
): Promise<boolean> {
  if (letter === letters.replaceBody) {
    if (message.hasReplacedBody) {
      throw new BadEditError("body replacement requests can't currently be mixed with other requests");
    }
    await carryOut(message, () => message.replaceBody(data));
    return true;
  }
  const edit = editFor(message, letter, new FieldReader(data), (steps & step.headerLeadingSpace) === 0 ? ' ' : '');
  if (edit === undefined) return false;
  await carryOut(message, async () => {
    await message.endReplacement();
    await edit();
  });
  return true;
}

/** After a failure of ours the filter is heard to its end, so that the next message finds it in step. */
async function carryOut(message: EditableMessage, edit: () => Promise<void>): Promise<void> {
  if (message.failure !== undefined) return;
  try {
    await edit();
  } catch (error) {
    message.failure = error;
  }
}

function editFor(
  message: EditableMessage,
  letter: string,
  fields: FieldReader,
  space: string,
): (() => Promise<void> | void) | undefined {
  switch (letter) {
    case letters.addHeader: {
      const field = headerOf(fields, space);
      return () => message.addHeader(field);
    }
    case letters.insertHeader: {
      const index = fields.number();
      const field = headerOf(fields, space);
      return () => message.insertHeader(index, field);
    }
    case letters.changeHeader: {
      // Sendmail takes 0 for 1.
      const index = fields.number() || 1;
      const name = nameOf(fields);
      const value = fields.octets();
      fields.end();
      if (value.length === 0) return () => message.deleteHeader(index, name);
      return () => message.changeHeader(index, name, { name, space, value });
    }
    case letters.changeSender: {
      const [address, parameters] = addressOf(fields);
      return () => message.changeSender(address, parameters);
    }
    case letters.addRecipient:
    case letters.addRecipientWithParameters: {
      const [address, parameters] = addressOf(fields);
      return () => message.addRecipient(address, parameters);
    }
    case letters.deleteRecipient: {
      const [address] = addressOf(fields);
      return () => message.deleteRecipient(address);
    }
    default:
      return undefined;
  }
}

function nameOf(fields: FieldReader): string {
  const name = fields.octets().toString('latin1');
  if (name === '') throw new BadEditError('null change header name');
  // RFC 5322 §2.2: anything else would be another header, or the end of it.
  if (!/^[!-9;-~]+$/.test(name)) throw new BadEditError('a header name with characters that none can have');
  return name;
}

function headerOf(fields: FieldReader, space: string) {
  const name = nameOf(fields);
  const value = fields.octets();
  fields.end();
  return { name, space, value };
}

/** A path, with or without its angle brackets, and ESMTP parameters. */
function addressOf(fields: FieldReader): [address: string, parameters: string] {
  const address = fields.string();
  const parameters = fields.isAtEnd ? '' : fields.string();
  fields.end();
  return [address, parameters];
}
