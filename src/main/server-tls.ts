// TLS of all services: what main.cf and master.cf say becomes one ServerTls for all services that say the same. Each
// service asks for its own at every handshake, so that a reload holds from the next one on.

import { access, constants } from 'node:fs/promises';
import type { Clock } from '../lib/clock.ts';
import type { ProgramLog } from '../lib/log.ts';
import type { Settings } from '../settings/settings.ts';
import { SettingsError } from '../settings/settings-error.ts';
import { tlsLevel } from '../smtp-server/options.ts';
import { readTlsSettings, type TlsSettings } from '../smtp-server/tls-options.ts';
import { readAuthorities, systemAuthorities } from '../tls/authorities.ts';
import { type Chain, openChains } from '../tls/chains.ts';
import { NamedChains } from '../tls/named-chains.ts';
import { ensureSelfSigned } from '../tls/self-signed-file.ts';
import { type HandshakeLog, type ServerHandshake, ServerTls } from '../tls/server-tls.ts';
import { type Source, WatchedFiles } from '../tls/watched-files.ts';
import type { Acme } from './acme.ts';
import type { PlannedListener } from './listeners.ts';

export interface ServerTlsParts {
  readonly dataDirectory: string;
  readonly hostname: string;
  readonly clock: Clock;
  readonly log: ProgramLog;
  /** Certificates that are kept for hosts of ours. */
  readonly acme?: Acme | undefined;
  /** A row of tls_server_sni_maps, which are `maps`. Throws where they cannot be asked. */
  readonly sniRow: (maps: string, key: string) => Promise<string | undefined>;
}

export class ServiceTls {
  readonly #parts: ServerTlsParts;
  readonly #services = new Map<string, CurrentTls>();
  readonly #opened = new Map<string, Promise<ServerTls>>();
  readonly #files = new Map<string, Promise<WatchedFiles<unknown>>>();

  constructor(parts: ServerTlsParts) {
    this.#parts = parts;
  }

  /** A service's, as it is now and will be. */
  current(service: string): CurrentTls {
    let current = this.#services.get(service);
    if (current === undefined) {
      current = new CurrentTls();
      this.#services.set(service, current);
    }
    return current;
  }

  /** Opens what these listeners need; what it returns puts that in force. Throws SettingsError; then all stays as it was. */
  async prepare(planned: readonly PlannedListener[]): Promise<() => void> {
    const opened = new Map<string, ServerTls>();
    for (const { kind, service, settings } of planned) {
      if (kind === 'http') continue;
      const own = kind === 'imap' || kind === 'imaps' ? 'imap' : kind === 'https' ? 'https' : undefined;
      const level = own === undefined ? tlsLevel(settings, settings.flag('smtpd_tls_wrappermode')) : 'encrypt';
      if (level === 'none') continue;
      opened.set(own ?? service, await this.open(settings, level === 'encrypt'));
    }
    return () => {
      for (const [service, tls] of opened) this.current(service).tls = tls;
    };
  }

  /** Throws SettingsError where the certificates or the settings cannot be used. */
  async open(settings: Settings, isMandatory: boolean): Promise<ServerTls> {
    const wanted = readTlsSettings(settings, isMandatory);
    if (!isMandatory && settings.flag('smtpd_tls_req_ccert')) {
      this.#parts.log.warning("smtpd_tls_req_ccert: Can't require client certs unless TLS is required");
    }
    const maps = settings.text('tls_server_sni_maps');
    const key = JSON.stringify([wanted, maps]);
    const known = this.#opened.get(key);
    if (known !== undefined) return await known;
    const opening = this.#make(wanted, maps);
    this.#opened.set(key, opening);
    try {
      return await opening;
    } catch (error) {
      this.#opened.delete(key);
      throw new SettingsError(`smtpd_tls_\u2026: ${(error as Error).message}`);
    }
  }

  async #make({ offer, chains, clients }: TlsSettings, maps: string): Promise<ServerTls> {
    const { clock, log, sniRow, acme } = this.#parts;
    const keeper = acme?.keeper;
    const names = new NamedChains({
      row: maps === '' ? undefined : (key) => sniRow(maps, key),
      own: (name) => keeper?.chains(name),
      hasOwn: () => keeper?.isEmpty === false,
      clock,
      log,
    });
    return new ServerTls({
      offer,
      chains: await this.#chains(chains),
      names,
      clients: clients && { ...clients, authorities: await this.#authorities(clients) },
      clock,
    });
  }

  async #chains(groups: readonly (readonly string[])[]): Promise<Source<readonly Chain[]>> {
    const { dataDirectory, hostname, clock, log, acme } = this.#parts;
    if (groups.length > 0) return await this.#watched(JSON.stringify(groups), () => openChains(groups, { clock, log }));
    const file = await ensureSelfSigned({ dataDirectory, hostname, log, now: clock.now() });
    const made = await this.#watched(file, () => openChains([[file]], { clock, log }));
    if (acme === undefined) return made;
    const { keeper } = acme;
    // Until an authority has issued one.
    const hosts = [hostname.toLowerCase(), ...keeper.hosts];
    return {
      current: () => {
        for (const host of hosts) {
          const chains = keeper.chains(host);
          if (chains !== undefined) return chains;
        }
        return made.current();
      },
    };
  }

  async #authorities(clients: NonNullable<TlsSettings['clients']>): Promise<Source<readonly string[]>> {
    const { clock, log } = this.#parts;
    const { caFile, caPath, appendsSystem } = clients;
    return await this.#watched(JSON.stringify(clients), () =>
      WatchedFiles.open({
        paths: [caFile, caPath].filter((path) => path !== ''),
        what: 'TLS authorities',
        read: async () => [...readAuthorities(clients), ...(appendsSystem ? systemAuthorities() : [])],
        clock,
        log,
      }),
    );
  }

  /** One look at the same files, whoever needs them. */
  async #watched<Content>(key: string, open: () => Promise<WatchedFiles<Content>>): Promise<WatchedFiles<Content>> {
    let files = this.#files.get(key) as Promise<WatchedFiles<Content>> | undefined;
    if (files === undefined) {
      files = open();
      this.#files.set(key, files);
      files.catch(() => this.#files.delete(key));
    }
    return await files;
  }

  /** Listeners that answer an authority's challenges. */
  get bound(): Acme['bound'] {
    return this.#parts.acme?.bound ?? [];
  }

  /** Certificates that are missing are asked for from here on, by the user that the server runs as. */
  start(): void {
    this.#tellUnreadable().catch(() => undefined);
    this.#parts.acme?.keeper.start();
  }

  /** What root has read at the start. */
  async #tellUnreadable(): Promise<void> {
    const files = await Promise.all(this.#files.values());
    for (const file of new Set(files.flatMap(({ paths }) => paths))) {
      await access(file, constants.R_OK).catch((error: Error) => {
        this.#parts.log.warning(`${error.message}: a renewed certificate will count after the next start only`);
      });
    }
  }

  /** A new certificate for this host, now. Rejects with what is wrong. */
  async renew(host: string): Promise<void> {
    const { acme } = this.#parts;
    if (acme === undefined) throw new SettingsError('posthaste_acme_directory names no authority');
    await acme.keeper.renew(host);
  }

  async close(): Promise<void> {
    await this.#parts.acme?.close();
  }

  /** Looks at all files again. */
  async reload(): Promise<void> {
    for (const files of this.#files.values()) await (await files).reload();
  }
}

/** The newest of a service; none while it offers no TLS. */
export class CurrentTls {
  tls: ServerTls | undefined;

  handshake(log?: HandshakeLog): ServerHandshake {
    if (this.tls === undefined) throw new Error('this service offers no TLS');
    return this.tls.handshake(log);
  }
}
