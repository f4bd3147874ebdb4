// Writes what a source yields into the directory, some thousand objects a transaction, and keeps count. A refused object
// is noted and stops nothing. What is there and differs stays as it is, unless it may be updated; then it is changed one
// by one, as an administrator would. A second run finds everything unchanged, so that one that was interrupted goes on.

import { verifyPassword } from '../../auth/password-scheme.ts';
import type { BulkOutcome } from '../../directory/bulk-outcome.ts';
import type { BulkRules } from '../../directory/bulk-room.ts';
import type { Directory } from '../../directory/directory.ts';
import { outcomeOf, type RareObject, writeRare } from './import-rare.ts';
import type { ImportObject, NotTaken } from './import-source.ts';

export type ImportKind = Exclude<ImportObject['kind'], 'not-taken'>;

export interface KindCount {
  added: number;
  unchanged: number;
  updated: number;
  /** There and otherwise; left as it is. */
  differs: number;
  refused: number;
}

export interface ImportTally {
  readonly counts: ReadonlyMap<ImportKind, KindCount>;
  /** The first ones. */
  readonly notTaken: readonly NotTaken[];
  readonly notTakenCount: number;
  /** The domains that the source hosts. */
  readonly domains: ReadonlySet<string>;
}

const objectsPerTransaction = 2000;
/** Kept in memory for the report; the count goes on. */
const maxNotTaken = 100_000;

type Batch<Kind extends ImportKind> = readonly Extract<ImportObject, { readonly kind: Kind }>[];

export class ImportSink implements ImportTally {
  readonly #directory: Directory;
  readonly #mayUpdate: boolean;
  readonly #rules: BulkRules;
  readonly counts = new Map<ImportKind, KindCount>();
  readonly notTaken: NotTaken[] = [];
  readonly domains = new Set<string>();
  notTakenCount = 0;
  #waiting: ImportObject[] = [];

  /** `keepsLimits`: domains keep to theirs. A system that is taken over brings its own, and what is beyond them. */
  constructor(directory: Directory, mayUpdate: boolean, keepsLimits = false) {
    this.#directory = directory;
    this.#mayUpdate = mayUpdate;
    this.#rules = { keepsLimits };
  }

  /** Throws TemporaryError where the directory cannot be written. */
  async write(objects: readonly ImportObject[]): Promise<void> {
    for (const object of objects) {
      if (object.kind === 'not-taken') {
        this.#note(object.value);
        continue;
      }
      const [first] = this.#waiting;
      if (first !== undefined && (first.kind !== object.kind || this.#waiting.length >= objectsPerTransaction)) {
        await this.#flush();
      }
      this.#waiting.push(object);
    }
  }

  /** Writes what is left. */
  async end(): Promise<void> {
    await this.#flush();
  }

  async #flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    const [first] = waiting;
    if (first !== undefined) await this.#writeBatch(first.kind as ImportKind, waiting);
  }

  async #writeBatch(kind: ImportKind, objects: readonly ImportObject[]): Promise<void> {
    switch (kind) {
      case 'domain': {
        const batch = objects as Batch<'domain'>;
        for (const { value } of batch) this.domains.add(value.name.toLowerCase());
        const outcomes = await this.#directory.bulk.domains(batch.map(({ value }) => value));
        return await this.#settle(
          kind,
          batch,
          outcomes,
          ({ value }) => value.name,
          (one) => this.#updateDomain(one),
        );
      }
      case 'alias-domain': {
        const batch = objects as Batch<'alias-domain'>;
        for (const { value } of batch) this.domains.add(value.name.toLowerCase());
        const outcomes = await this.#directory.bulk.aliasDomains(batch.map(({ value }) => value));
        return await this.#settle(
          kind,
          batch,
          outcomes,
          ({ value }) => value.name,
          async ({ value }) => {
            await this.#directory.aliasDomains.set(value.name, value);
          },
        );
      }
      case 'mailbox':
        return await this.#writeMailboxes(objects as Batch<'mailbox'>);
      case 'alias': {
        const batch = objects as Batch<'alias'>;
        const outcomes = await this.#directory.bulk.aliases(
          batch.map(({ value }) => value),
          this.#rules,
        );
        return await this.#settle(
          kind,
          batch,
          outcomes,
          ({ value }) => value.address,
          async ({ value }) => {
            const { address, targets, active } = value;
            await this.#directory.aliases.set(address, targets, active === undefined ? {} : { active });
          },
        );
      }
      case 'sender-right':
      case 'transport':
      case 'bcc':
      case 'relay-recipient':
      case 'administrator':
        for (const object of objects as readonly RareObject[]) {
          const result = await writeRare(this.#directory, object);
          await this.#settle(
            kind,
            [object],
            [result.outcome],
            () => result.name,
            () => result.update(),
          );
        }
    }
  }

  async #updateDomain({ value }: Batch<'domain'>[number]): Promise<void> {
    const { class: kind, active, transport, limits, unknownTo, takesAll } = value;
    await this.#directory.domains.set(value.name, {
      class: kind,
      ...limits,
      ...(unknownTo === undefined ? {} : { unknownTo }),
      ...(kind !== 'relay' || takesAll === undefined ? {} : { recipients: takesAll ? 'all' : 'listed' }),
      ...(active === undefined ? {} : { active }),
      ...(transport === undefined ? {} : { transport }),
    });
  }

  async #writeMailboxes(batch: Batch<'mailbox'>): Promise<void> {
    const known = await Promise.all(batch.map((one) => this.#withKnownPassword(one)));
    const outcomes = await this.#directory.bulk.mailboxes(
      known.map(({ value }) => value),
      this.#rules,
    );
    await this.#settle(
      'mailbox',
      known,
      outcomes,
      ({ value }) => value.address,
      async ({ value }) => {
        const { address, passwordHash, name, quotaBytes, enabled } = value;
        await this.#directory.mailboxes.set(address, {
          ...(passwordHash === undefined ? {} : { passwordHash }),
          ...(name === undefined ? {} : { name }),
          ...(quotaBytes === undefined ? {} : { quotaBytes }),
          ...(enabled === undefined ? {} : { enabled }),
        });
      },
    );
  }

  /** Each hash of a typed password is another one: where it opens the mailbox already, nothing differs. */
  async #withKnownPassword(object: Batch<'mailbox'>[number]): Promise<Batch<'mailbox'>[number]> {
    const { value, typed } = object;
    const there = typed === undefined ? undefined : this.#directory.credentials(value.address)?.passwordHash;
    if (typed === undefined || there === undefined || !(await verifyPassword(typed, there))) return object;
    return { ...object, value: { ...value, passwordHash: there } };
  }

  async #settle<Object>(
    kind: ImportKind,
    batch: readonly Object[],
    outcomes: readonly BulkOutcome[],
    nameOf: (object: Object) => string,
    update: (object: Object) => Promise<void>,
  ): Promise<void> {
    for (const [index, object] of batch.entries()) {
      const outcome = outcomes[index] as BulkOutcome;
      const count = this.#count(kind);
      const name = nameOf(object);
      if (outcome.kind === 'refused') this.#refuse(count, kind, name, outcome.reason);
      else if (outcome.kind !== 'differs') {
        count[outcome.kind]++;
        if (outcome.kind === 'added' && outcome.without !== undefined) {
          this.#note({ what: `${kind} ${name}: ${outcome.without}`, reason: outcome.reason ?? '', address: name });
        }
      } else if (this.#mayUpdate) {
        const updated = await outcomeOf(() => update(object));
        if (updated.kind === 'refused') this.#refuse(count, kind, name, updated.reason);
        else count.updated++;
      } else {
        count.differs++;
        const reason = `it differs from what is here, which stays (--update changes it): ${outcome.difference}`;
        this.#note({ what: `${kind} ${name}`, reason, address: name });
      }
    }
  }

  #refuse(count: KindCount, kind: ImportKind, name: string, reason: string): void {
    count.refused++;
    this.#note({ what: `${kind} ${name}`, reason, address: name });
  }

  #note(one: NotTaken): void {
    this.notTakenCount++;
    if (this.notTaken.length < maxNotTaken) this.notTaken.push(one);
  }

  #count(kind: ImportKind): KindCount {
    let count = this.counts.get(kind);
    if (count === undefined)
      this.counts.set(kind, (count = { added: 0, unchanged: 0, updated: 0, differs: 0, refused: 0 }));
    return count;
  }
}
