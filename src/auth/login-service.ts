// The names by which other programs call the services that somebody logs in to.

import type { LoginService } from './types.ts';

const services: Readonly<Record<string, LoginService>> = {
  smtp: 'smtp',
  submission: 'smtp',
  imap: 'imap',
  pop3: 'pop3',
  sieve: 'sieve',
  managesieve: 'sieve',
};

export function serviceNamed(name: string): LoginService {
  return services[name.toLowerCase()] ?? 'other';
}
