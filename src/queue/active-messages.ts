// The messages that are being delivered (with the bodies of those that have just come in, up to some megabytes, so that the
// first attempt need not read them back), those among them of which nothing has begun, and those that were given back to the
// store to make room: only ids of the last are kept, and they come back as others are done.

import type { Content } from '../mailstore/types.ts';

/** What is kept of every active message. */
export interface Active {
  readonly id: string;
  /** It has come in since this server was started, and is tried for the first time. */
  readonly isNew: boolean;
  /** Its place among those of which nothing has begun; -1 where something has. */
  idleIndex: number;
  /** Its body, where that is still in memory. */
  body: Content | undefined;
}

/** Octets of bodies. */
const maxBodies = 8 * 1024 * 1024;

/** A few megabytes of ids; messages beyond that are found by looking through the store. */
const maxGivenBack = 50_000;
/** How many are looked at for one to give back. */
const maxTries = 8;

export class ActiveMessages<A extends Active> {
  readonly #all = new Map<string, A>();
  readonly #idle: A[] = [];
  readonly #givenBack = new Map<string, boolean>();
  #bodies = 0;
  /** Some have been given back that are not remembered. */
  hasLostTrack = false;

  get size(): number {
    return this.#all.size;
  }

  has(id: string): boolean {
    return this.#all.has(id);
  }

  get(id: string): A | undefined {
    return this.#all.get(id);
  }

  keys(): Iterable<string> {
    return this.#all.keys();
  }

  add(active: A): void {
    this.#all.set(active.id, active);
    if (active.body?.kind === 'inline' && this.#bodies + active.body.size <= maxBodies)
      this.#bodies += active.body.size;
    else active.body = undefined;
    active.idleIndex = this.#idle.length;
    this.#idle.push(active);
  }

  delete(id: string): void {
    this.#bodies -= this.#all.get(id)?.body?.size ?? 0;
    this.#all.delete(id);
  }

  hasBegun(active: A): void {
    const { idleIndex } = active;
    if (idleIndex < 0) return;
    active.idleIndex = -1;
    const last = this.#idle.pop();
    if (!last || last === active) return;
    this.#idle[idleIndex] = last;
    last.idleIndex = idleIndex;
  }

  /** Gives one back of which nothing has begun, better none that `isAboutToLeave`; undefined where all have begun. */
  giveBack(isAboutToLeave: (active: A) => boolean): A | undefined {
    let active: A | undefined;
    // Any: the last that came may be the only one that can be delivered at once.
    for (let tries = 0; tries < maxTries; tries++) {
      active = this.#idle[Math.floor(Math.random() * this.#idle.length)];
      if (!active || !isAboutToLeave(active)) break;
    }
    if (!active) return undefined;
    this.hasBegun(active);
    this.delete(active.id);
    if (this.#givenBack.size < maxGivenBack) this.#givenBack.set(active.id, active.isNew);
    else this.hasLostTrack = true;
    return active;
  }

  /** The one that was given back first. */
  takeBack(): { readonly id: string; readonly isNew: boolean } | undefined {
    for (const [id, isNew] of this.#givenBack) {
      this.#givenBack.delete(id);
      return { id, isNew };
    }
    return undefined;
  }
}
