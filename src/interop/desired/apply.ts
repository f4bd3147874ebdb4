// Makes the directory what a desired state says, within one change: all of it or nothing. Objects and fields that are not
// named stay as they are; with `prune` the file is the whole truth of the domains that it names: what is not written there
// goes, and fields that are not written are as usual again. What is so already is not touched, so that applying twice
// changes nothing.

import type { DirectoryView } from '../../directory/directory-view.ts';
import { DirectoryRefusedError } from '../../directory/refusal.ts';
import { type DesiredKind, isSame, type ReadOptions, type State } from './kind.ts';
import { desiredKinds } from './kinds.ts';
import { domainKind } from './kinds/domain.ts';
import type { DesiredObject, DesiredState, Mistake } from './read-desired.ts';

export interface ApplyOptions {
  readonly prune: boolean;
  /** smtpd_restriction_classes, which actions of access rules may name. */
  readonly restrictionClasses?: readonly string[];
}

export interface Applied {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** Named, and so already. */
  readonly same: number;
  /** Mailboxes that were added without a password: nobody can log in to them yet. */
  readonly withoutPassword: readonly string[];
}

/** Says where, what and what instead; `mistakes` holds all that were found. */
export class ApplyRefusedError extends DirectoryRefusedError {
  override name = 'DirectoryRefusedApplyError';
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    const [first] = mistakes;
    const more = mistakes.length > 1 ? ` (and ${mistakes.length - 1} more)` : '';
    super(`line ${first?.line}, column ${first?.column}: ${first?.text}${more}; nothing was changed`);
    this.mistakes = mistakes;
  }
}

/** Further ones mostly follow from these. */
const maxMistakes = 20;
const maxNamed = 100;
/** So many objects of a domain are read one by one; of more all are read. */
const maxSingleReads = 50;

/** `view` is one in which several changes are made together (Directory.whole, tryOut). */
export async function applyDesired(
  view: DirectoryView,
  desired: DesiredState,
  options: ApplyOptions,
): Promise<Applied> {
  if (desired.mistakes.length > 0) throw new ApplyRefusedError(desired.mistakes);
  const applying = new Applying(view, desired, options);
  await applying.run();
  return applying.result();
}

class Applying {
  readonly #view: DirectoryView;
  readonly #desired: DesiredState;
  readonly #prunes: boolean;
  readonly #options: ReadOptions;
  readonly #mistakes: Mistake[] = [];
  readonly #withoutPassword: string[] = [];
  #added = 0;
  #changed = 0;
  #removed = 0;
  #same = 0;

  constructor(view: DirectoryView, desired: DesiredState, { prune, restrictionClasses = [] }: ApplyOptions) {
    this.#view = view;
    this.#desired = desired;
    this.#prunes = prune;
    const objects = [...desired.objects.values()].flatMap((known) => [...known.values()]);
    const withHashes = objects.some(({ state }) => Object.hasOwn(state, hashField));
    this.#options = { withHashes, restrictionClasses };
  }

  result(): Applied {
    return {
      added: this.#added,
      changed: this.#changed,
      removed: this.#removed,
      same: this.#same,
      withoutPassword: this.#withoutPassword,
    };
  }

  async run(): Promise<void> {
    // First, so that an address can become something else.
    if (this.#prunes) await this.#prune();
    const administrator = this.#view.lookups.setting('administrator');
    for (const kind of desiredKinds) await this.#applyKind(kind);
    // The first mailbox of all brings aliases along.
    const hasNewOne = this.#view.lookups.setting('administrator') !== administrator;
    if (this.#prunes && hasNewOne && this.#mistakes.length === 0) await this.#prune();
    if (this.#mistakes.length > 0) throw new ApplyRefusedError(this.#mistakes);
  }

  #objectsOf(kind: DesiredKind): ReadonlyMap<string, DesiredObject> {
    return this.#desired.objects.get(kind) ?? new Map();
  }

  async #prune(): Promise<void> {
    for (const { name: domain, position } of this.#objectsOf(domainKind).values()) {
      if ((await this.#view.domains.show(domain)) === undefined) continue;
      for (const kind of desiredKinds.toReversed()) {
        if (kind === domainKind) continue;
        const wanted = this.#objectsOf(kind);
        const gone: string[] = [];
        for await (const [name] of kind.list(this.#view, domain, this.#options)) {
          if (!wanted.has(kind.keyOf(name))) gone.push(name);
        }
        for (const name of gone) {
          if (await this.#attempt(kind, name, position, () => kind.remove(this.#view, name))) this.#removed++;
        }
      }
    }
  }

  async #applyKind(kind: DesiredKind): Promise<void> {
    for (const [domain, objects] of groupByDomain(kind, this.#objectsOf(kind).values())) {
      const present = objects.length > maxSingleReads ? await this.#readAll(kind, domain) : undefined;
      for (const object of objects) {
        if (this.#mistakes.length >= maxMistakes) return;
        await this.#attempt(kind, object.name, object.position, async () => {
          const key = kind.keyOf(object.name);
          const before = present ? present.get(key) : await kind.read(this.#view, object.name, this.#options);
          await this.#put(object, before);
        });
      }
    }
  }

  async #readAll(kind: DesiredKind, domain: string | undefined): Promise<ReadonlyMap<string, State>> {
    const present = new Map<string, State>();
    for await (const [name, state] of kind.list(this.#view, domain, this.#options))
      present.set(kind.keyOf(name), state);
    return present;
  }

  async #put(object: DesiredObject, before: State | undefined): Promise<void> {
    const { kind, name } = object;
    const state = wantedState(object, before, this.#prunes);
    if (before === undefined) {
      const missing = kind.needed?.find((field) => !Object.hasOwn(state, field));
      if (missing !== undefined) throw new DirectoryRefusedError(`"${missing}" is missing`);
      await kind.add(this.#view, name, state, this.#options);
      this.#added++;
      const isOpen = kind.name === 'mailbox' && !Object.hasOwn(state, hashField);
      if (isOpen && this.#withoutPassword.length < maxNamed) this.#withoutPassword.push(name);
    } else if (isSame(comparable(kind, before), comparable(kind, state))) this.#same++;
    else {
      await kind.set(this.#view, name, state, before, this.#options);
      this.#changed++;
    }
  }

  /** False where the directory refuses it: that is told with its place. */
  async #attempt(
    kind: DesiredKind,
    name: string,
    { line, column }: { readonly line: number; readonly column: number },
    work: () => Promise<void>,
  ): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof DirectoryRefusedError)) throw error;
      this.#mistakes.push({ line, column, text: `${kind.name} ${name}: ${error.message}` });
      return false;
    }
  }
}

const hashField = 'password-hash';

function groupByDomain(
  kind: DesiredKind,
  objects: Iterable<DesiredObject>,
): ReadonlyMap<string | undefined, DesiredObject[]> {
  const groups = new Map<string | undefined, DesiredObject[]>();
  for (const object of objects) {
    const domain = kind.place === 'top' ? undefined : object.name.slice(object.name.lastIndexOf('@') + 1);
    const group = groups.get(domain);
    if (group === undefined) groups.set(domain, [object]);
    else group.push(object);
  }
  return groups;
}

/** What is written, and of what is not what is there; without fields that are as usual. */
function wantedState({ kind, state, usual }: DesiredObject, before: State = {}, prunes: boolean): State {
  const wanted: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(kind.fields)) {
    // A field that is always there cannot be taken away.
    const stays = !prunes || !('usual' in field);
    const value = Object.hasOwn(state, name) ? state[name] : stays && !usual.includes(name) ? before[name] : undefined;
    if (value !== undefined && !('usual' in field && isSame(value, field.usual))) wanted[name] = value;
  }
  return wanted;
}

function comparable({ fields }: DesiredKind, state: State): unknown {
  return Object.entries(fields).map(([name, { type }]) => {
    if (!Object.hasOwn(state, name)) return null;
    return type.comparable ? type.comparable(state[name]) : type.print(state[name]);
  });
}
