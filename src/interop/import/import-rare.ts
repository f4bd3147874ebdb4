// Objects of which a host has few: each is written by itself, as an administrator would, and compared with what is there.

import type { NewAdministrator } from '../../directory/administrators.ts';
import { type BulkOutcome, compared, difference } from '../../directory/bulk-outcome.ts';
import type { Directory } from '../../directory/directory.ts';
import { foldDomain } from '../../directory/mail-address.ts';
import { DirectoryRefusedError } from '../../directory/refusal.ts';
import type { SenderRight } from '../../directory/sender-rights.ts';
import type {
  ImportedAdministrator,
  ImportedBcc,
  ImportedSenderRight,
  ImportedTransport,
  ImportObject,
} from './import-source.ts';

export type RareObject = Exclude<
  ImportObject,
  { readonly kind: 'domain' | 'alias-domain' | 'mailbox' | 'alias' | 'not-taken' }
>;

export interface RareResult {
  readonly name: string;
  readonly outcome: BulkOutcome;
  /** Makes what is there the same. */
  update(): Promise<void>;
}

export async function writeRare(directory: Directory, object: RareObject): Promise<RareResult> {
  switch (object.kind) {
    case 'sender-right':
      return await writeSenderRight(directory, object.value);
    case 'transport':
      return await writeTransport(directory, object.value);
    case 'bcc':
      return await writeBcc(directory, object.value);
    case 'relay-recipient':
      return await writeRelayRecipient(directory, object.value.address);
    case 'administrator':
      return await writeAdministrator(directory, object.value);
  }
}

async function writeSenderRight(directory: Directory, { address, login }: ImportedSenderRight): Promise<RareResult> {
  const { senderRights } = directory;
  const all = await senderRights.list({ address }).catch(unlessRefused<readonly SenderRight[]>([]));
  const known = all.find((one) => one.login === login.toLowerCase());
  const outcome: BulkOutcome =
    known === undefined
      ? await outcomeOf(() => senderRights.add(address, login, true))
      : compared([known.allowed ? undefined : 'denied here']);
  const update = async (): Promise<void> => void (await senderRights.set(address, login, true));
  return { name: `${address} by ${login}`, outcome, update };
}

/** Of a domain that we host it is its own. */
async function writeTransport(directory: Directory, { place, transport }: ImportedTransport): Promise<RareResult> {
  const hosted = /[@*]|^\./.test(place)
    ? undefined
    : await directory.domains.show(place).catch(unlessRefused(undefined));
  const update = async (): Promise<void> => {
    if (hosted === undefined) await directory.transports.set(place, transport);
    else await directory.domains.set(place, { transport });
  };
  if (hosted !== undefined) {
    if (hosted.transport !== '')
      return { name: place, outcome: compared([difference('', hosted.transport, transport)]), update };
    return { name: place, outcome: await outcomeOf(update), update };
  }
  const known = await directory.transports.show(place).catch(unlessRefused(undefined));
  const outcome =
    known === undefined
      ? await outcomeOf(() => directory.transports.add(place, transport, { takesMailboxes: true }))
      : compared([difference('', known.transport, transport)]);
  return { name: place, outcome, update };
}

async function writeBcc({ bccs }: Directory, { side, place, address }: ImportedBcc): Promise<RareResult> {
  const name = `${side} ${place}`;
  const update = async (): Promise<void> => void (await bccs.set(side, place, address));
  const outcome = await outcomeOf(() => bccs.add(side, place, address));
  if (outcome.kind !== 'refused') return { name, outcome, update };
  const known = await bccs.show(side, place).catch(unlessRefused(undefined));
  if (known === undefined) return { name, outcome, update };
  return { name, outcome: compared([difference('to', known.address.toLowerCase(), address.toLowerCase())]), update };
}

async function writeRelayRecipient({ relayRecipients }: Directory, address: string): Promise<RareResult> {
  const update = async (): Promise<void> => undefined;
  try {
    const added = await relayRecipients.add([address]);
    return { name: address, outcome: { kind: added.length > 0 ? 'added' : 'unchanged' }, update };
  } catch (error) {
    if (!(error instanceof DirectoryRefusedError)) throw error;
    return { name: address, outcome: { kind: 'refused', reason: error.message }, update };
  }
}

async function writeAdministrator(directory: Directory, value: ImportedAdministrator): Promise<RareResult> {
  const { administrators } = directory;
  const wanted = administratorOf(directory, value);
  const known = await administrators.show(value.login);
  const sorted = (domains: readonly string[] = []): string => domains.toSorted().join(', ');
  const outcome =
    known === undefined
      ? await outcomeOf(() => administrators.add(wanted))
      : compared([
          difference('role', known.role, wanted.role),
          difference('active', known.active, wanted.active),
          difference('domains', sorted(known.domains), sorted(wanted.domains)),
        ]);
  const { login, ...settings } = wanted;
  const update = async (): Promise<void> => void (await administrators.set(login, settings));
  return { name: value.login, outcome, update };
}

/** An alias domain is administered with its target. */
function administratorOf({ lookups }: Directory, { domains, ...rest }: ImportedAdministrator): NewAdministrator {
  if (domains === 'all') return { ...rest, role: 'host', domains: [] };
  const hosted = domains.map((name) => lookups.domain(foldDomain(name)));
  return {
    ...rest,
    role: 'domain',
    domains: hosted.flatMap((one) => (one === undefined || one.target ? [] : one.name)),
  };
}

/** What the directory does not take is not there either; what could not be found out is no answer. */
function unlessRefused<Value>(value: Value): (error: unknown) => Value {
  return (error) => {
    if (error instanceof DirectoryRefusedError) return value;
    throw error;
  };
}

export async function outcomeOf(work: () => Promise<unknown>): Promise<BulkOutcome> {
  try {
    await work();
    return { kind: 'added' };
  } catch (error) {
    if (!(error instanceof DirectoryRefusedError)) throw error;
    return { kind: 'refused', reason: error.message };
  }
}
