// Where metrics are given out: the addresses of posthaste_metrics_listen. A port alone is this machine's own; whoever opens
// it to others must set a token, for the page tells how much mail there is.

import { readFileSync } from 'node:fs';
import net from 'node:net';
import { listenAddresses } from '../settings/services.ts';
import type { Settings } from '../settings/settings.ts';
import { SettingsError } from '../settings/settings-error.ts';

const parameter = 'posthaste_metrics_listen';
const tokenParameter = 'posthaste_metrics_token_file';
const minTokenLength = 16;

export interface MetricsListeners {
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  readonly token: string | undefined;
}

/** Throws SettingsError. */
export function metricsListeners(settings: Settings): MetricsListeners {
  const addresses = settings
    .list(parameter)
    .flatMap((text) => listenAddresses(/^[^:[\]]+$/.test(text) ? `127.0.0.1:${text}` : text, settings, parameter));
  if (addresses.length === 0) return { addresses, token: undefined };
  const token = readToken(settings);
  const open = addresses.find(({ host }) => !isLoopback(host));
  if (open !== undefined && token === undefined) {
    throw new SettingsError(
      `${parameter}: ${open.host} can be reached from elsewhere: set ${tokenParameter}, or listen on 127.0.0.1`,
      parameter,
      settings.origin(parameter),
    );
  }
  return { addresses, token };
}

function readToken(settings: Settings): string | undefined {
  const file = settings.text(tokenParameter);
  if (file === '') return undefined;
  const refuse = (why: string) =>
    new SettingsError(`${tokenParameter}: ${file}: ${why}`, tokenParameter, settings.origin(tokenParameter));
  let token: string;
  try {
    token = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw refuse((error as Error).message);
  }
  if (token.length < minTokenLength || /[^!-~]/.test(token)) {
    throw refuse(`must hold one word of at least ${minTokenLength} printable ASCII characters`);
  }
  return token;
}

const loopback = new net.BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopback(host: string): boolean {
  return net.isIP(host) !== 0 && loopback.check(host, net.isIPv6(host) ? 'ipv6' : 'ipv4');
}
