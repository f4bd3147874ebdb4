// What programs of users and other servers can connect to now: of the listeners that the configuration names, those that run.

import type { ServerListener } from '../admin/server-parts.ts';
import type { ServerStatus } from '../cli/server-status.ts';
import type { Configuration } from '../settings/configuration.ts';
import { type PlannedListener, planListeners } from './listeners.ts';

const ofLabel: Readonly<Record<string, Pick<ServerListener, 'protocol' | 'security'>>> = {
  imap: { protocol: 'imap', security: 'starttls' },
  imaps: { protocol: 'imap', security: 'tls' },
  pop3: { protocol: 'pop3', security: 'starttls' },
  pop3s: { protocol: 'pop3', security: 'tls' },
  submission: { protocol: 'submission', security: 'starttls' },
  submissions: { protocol: 'submission', security: 'tls' },
  smtp: { protocol: 'smtp', security: 'starttls' },
};

export function runningListeners(
  configuration: Configuration,
  { listeners }: Pick<ServerStatus, 'listeners'>,
): ServerListener[] {
  const running = new Set(listeners.map(({ name, address }) => `${name} ${address}`));
  return planListeners(configuration).flatMap((plan) => {
    const { label, host, port } = plan;
    const known = ofLabel[label];
    if (known === undefined || !running.has(`${label} ${host}:${port}`)) return [];
    const security = offersNoTls(plan) ? 'none' : known.security;
    const isLoopback = /^(?:127\.|::1$|localhost$)/.test(host);
    return [{ protocol: known.protocol, host, port, security, isLoopback }];
  });
}

function offersNoTls({ kind, label, settings }: PlannedListener): boolean {
  if (kind !== 'smtp' || label === 'submissions') return false;
  return !['may', 'encrypt'].includes(settings.text('smtpd_tls_security_level'));
}
