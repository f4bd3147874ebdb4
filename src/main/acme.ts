// Certificates that the server gets by itself, when posthaste_acme_directory names an authority: its settings, and the
// listeners that answer the authority's challenges, which are bound while the server may still be root.

import { readFileSync } from 'node:fs';
import type { Clock } from '../lib/clock.ts';
import type { ProgramLog } from '../lib/log.ts';
import { listenAddresses } from '../settings/services.ts';
import type { Settings } from '../settings/settings.ts';
import { SettingsError } from '../settings/settings-error.ts';
import { CertificateFiles } from '../tls/acme/certificate-files.ts';
import { CertificateKeeper } from '../tls/acme/certificate-keeper.ts';
import { HttpChallengeListener, TlsChallengeListener } from '../tls/acme/challenge-listeners.ts';
import type { ExternalAccount } from '../tls/acme/signatures.ts';
import { readCertificates } from '../tls/authorities.ts';
import { listenError } from './listeners.ts';
import { version } from './version.ts';

type BoundListener = { readonly label: string; readonly host: string; readonly port: number };

export class Acme {
  readonly keeper: CertificateKeeper;
  readonly #listeners: readonly (HttpChallengeListener | TlsChallengeListener)[];
  readonly bound: readonly BoundListener[];

  private constructor(
    keeper: CertificateKeeper,
    listeners: readonly (HttpChallengeListener | TlsChallengeListener)[],
    bound: readonly BoundListener[],
  ) {
    this.keeper = keeper;
    this.#listeners = listeners;
    this.bound = bound;
  }

  /** Throws SettingsError, ListenError. */
  static async open(
    settings: Settings,
    { dataDirectory, log, clock }: { readonly dataDirectory: string; readonly log: ProgramLog; readonly clock: Clock },
  ): Promise<Acme> {
    const directoryUrl = settings.text('posthaste_acme_directory');
    const own = readAcmeSettings(settings, directoryUrl);
    const http = new HttpChallengeListener();
    const tls = new TlsChallengeListener(clock);
    const bound: BoundListener[] = [];
    const responders = [];
    for (const [parameter, listener] of [
      ['posthaste_acme_http_listen', http],
      ['posthaste_acme_tls_listen', tls],
    ] as const) {
      const addresses = settings.list(parameter).flatMap((text) => listenAddresses(text, settings, parameter));
      if (addresses.length > 0) responders.push(listener);
      for (const address of addresses) {
        const place = { ...address, label: listener.type };
        try {
          bound.push({ ...place, port: await listener.listen(address) });
        } catch (error) {
          http.close();
          tls.close();
          throw listenError({ ...place, service: parameter }, error);
        }
      }
    }
    const files = new CertificateFiles(dataDirectory);
    const userAgent = `posthaste/${version}`;
    const keeper = new CertificateKeeper({ ...own, directoryUrl, responders, files, userAgent, clock, log });
    await keeper.open();
    return new Acme(keeper, responders, bound);
  }

  async close(): Promise<void> {
    for (const listener of this.#listeners) listener.close();
    await this.keeper.close();
  }
}

const hostPattern = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

function readAcmeSettings(settings: Settings, directoryUrl: string) {
  const refuse = (parameter: string, text: string): never => {
    throw new SettingsError(`${parameter}: ${text}`, parameter, settings.origin(parameter));
  };
  if (!URL.canParse(directoryUrl) || !/^https:/i.test(directoryUrl)) {
    refuse('posthaste_acme_directory', `${directoryUrl} is no https:// address`);
  }
  const hosts = [...new Set(settings.list('posthaste_acme_hosts').map((host) => host.toLowerCase()))];
  const wrong = hosts.find((host) => !hostPattern.test(host) || /^[\d.]+$/.test(host));
  if (wrong !== undefined)
    refuse('posthaste_acme_hosts', `${wrong} is no full host name (and a wildcard cannot be proved)`);
  if (settings.text('posthaste_acme_http_listen') === '' && settings.text('posthaste_acme_tls_listen') === '') {
    refuse('posthaste_acme_http_listen', 'set this or posthaste_acme_tls_listen: the authority must find an answer');
  }
  const contact = settings
    .list('posthaste_acme_contact')
    .map((one) => (one.startsWith('mailto:') ? one : `mailto:${one}`));
  return {
    hosts,
    contact,
    agreesToTerms: settings.flag('posthaste_acme_terms_agreed'),
    external: readExternalAccount(settings),
    profile: settings.text('posthaste_acme_profile'),
    authorities: readAuthorities(settings),
  };
}

function readAuthorities(settings: Settings): string | undefined {
  const parameter = 'posthaste_acme_ca_file';
  const file = settings.text(parameter);
  return file === '' ? undefined : reading(settings, parameter, () => readCertificates(file));
}

/** The MAC key is a secret: it stands in a file, and in no message. */
function readExternalAccount(settings: Settings): ExternalAccount | undefined {
  const parameter = 'posthaste_acme_external_account_file';
  const file = settings.text(parameter);
  if (file === '') return undefined;
  const [keyId = '', macKey = ''] = reading(settings, parameter, () => readFileSync(file, 'utf8').split(/\s+/));
  if (keyId !== '' && /^[\w-]{16,}=*$/.test(macKey)) return { keyId, macKey };
  const text = `${parameter}: ${file} must hold the key id and the MAC key (base64url), on a line each`;
  throw new SettingsError(text, parameter, settings.origin(parameter));
}

function reading<Result>(settings: Settings, parameter: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw new SettingsError(`${parameter}: ${(error as Error).message}`, parameter, settings.origin(parameter));
  }
}
