// The way to the directory's server: one session for each purpose, opened when it is needed, with fail-over. Hosts are tried
// in the order of the settings, and the one that works is kept (the nodes of a Galera cluster write best through the
// same). A host that fails is left alone for a second; while all are, every question is a TemporaryError at once.

import { openServerSession, usualSessionLimits } from '../../database/server/open-session.ts';
import { type ServerSession, ServerUnavailable, type SessionLimits } from '../../database/server/server-session.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import type { DirectoryServer } from './server-settings.ts';

/** To compare; or to fetch and to change, one at a time. */
export type LinkPurpose = 'ask' | 'work';

const restMilliseconds = 1000;

interface HostState {
  readonly index: number;
  isResting: boolean;
  /** Why it failed the last time; '' while it works. */
  failure: string;
}

export class ServerLink {
  readonly server: DirectoryServer;
  readonly #limits: SessionLimits;
  readonly #warn: (text: string) => void;
  readonly #hosts: HostState[];
  readonly #sessions = new Map<LinkPurpose, ServerSession>();
  #current = 0;
  #isClosed = false;

  constructor(server: DirectoryServer, warn: (text: string) => void, limits: SessionLimits = usualSessionLimits) {
    this.server = server;
    this.#warn = warn;
    this.#limits = limits;
    this.#hosts = server.addresses.map((_address, index) => ({ index, isResting: false, failure: '' }));
  }

  /**
   * Runs `work` with the session of a purpose; a purpose has one user at a time. A session that ends meanwhile is replaced,
   * and `work` run again. Throws TemporaryError where no server can be asked, and what `work` throws.
   */
  async use<T>(purpose: LinkPurpose, work: (session: ServerSession) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const kept = this.#sessions.get(purpose);
      const isKept = kept?.isOpen === true;
      const session = isKept ? kept : await this.open();
      this.#sessions.set(purpose, session);
      try {
        return await work(session);
      } catch (error) {
        if (!(error instanceof ServerUnavailable)) throw error;
        session.close();
        // One that was kept may just have been closed by a server that was started again.
        const host = this.#hosts.find(({ index }) => this.server.addresses[index]?.name === session.host);
        if (host !== undefined && (!isKept || attempt > 0 || /no answer/.test(error.message))) {
          this.#rest(host, error.message);
        }
        if (attempt >= this.#hosts.length) throw this.#noServer();
      }
    }
  }

  /** Another session, the caller's own. Throws TemporaryError. */
  async open(limits = this.#limits): Promise<ServerSession> {
    if (this.#isClosed) throw new TemporaryError(`${this.server.name} is closed`);
    const order = this.#hosts.map((_host, index) => (this.#current + index) % this.#hosts.length);
    for (const index of order) {
      const [host, address] = [this.#hosts[index], this.server.addresses[index]];
      if (host === undefined || address === undefined || host.isResting) continue;
      try {
        const session = await openServerSession(address, limits);
        if (index !== this.#current || host.failure !== '') this.#warn(`the directory is asked at ${address.name}`);
        this.#current = index;
        host.failure = '';
        return session;
      } catch (error) {
        this.#rest(host, (error as Error).message);
      }
    }
    throw this.#noServer();
  }

  close(): void {
    this.#isClosed = true;
    for (const session of this.#sessions.values()) session.close();
    this.#sessions.clear();
  }

  #rest(host: HostState, why: string): void {
    if (host.failure === '') this.#warn(`the directory cannot be asked: ${why}`);
    host.failure = why;
    if (host.isResting) return;
    host.isResting = true;
    setTimeout(() => {
      host.isResting = false;
    }, restMilliseconds).unref();
    // The other purposes' sessions with it are of no use either.
    const name = this.server.addresses[host.index]?.name;
    for (const session of this.#sessions.values()) if (session.host === name) session.close();
  }

  #noServer(): TemporaryError {
    const reasons = this.#hosts.map(({ failure }) => failure).filter((failure) => failure !== '');
    return new TemporaryError(`the directory on ${this.server.name} cannot be asked (${reasons.join('; ')})`);
  }
}
