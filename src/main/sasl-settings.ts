// From settings: which SASL mechanisms there are, and who is asked about tokens.
// A setting that cannot be obeyed stops the start.

import { readFileSync } from 'node:fs';
import { knownMechanisms } from '../auth/built-in-sasl.ts';
import type { DirectoryAccounts } from '../auth/directory-accounts.ts';
import type { TokenCheck, TokenRules } from '../auth/token-check.ts';
import { TokenIntrospection } from '../auth/token-introspection.ts';
import { DirectoryTokens, type TokenLogins } from '../auth/token-logins.ts';
import { TokenSignature } from '../auth/token-signature.ts';
import type { Clock } from '../lib/clock.ts';
import type { Settings } from '../settings/settings.ts';
import { SettingsError } from '../settings/settings-error.ts';

/** posthaste_sasl_mechanisms. */
export function readMechanisms(settings: Settings): readonly string[] {
  const names = settings.list('posthaste_sasl_mechanisms').map((name) => name.toUpperCase());
  const unknown = names.find((name) => !knownMechanisms.includes(name));
  if (unknown === undefined) return names;
  throw new SettingsError(
    `posthaste_sasl_mechanisms: there is no mechanism ${unknown}: write some of ${knownMechanisms.join(', ').toLowerCase()}`,
    'posthaste_sasl_mechanisms',
    settings.origin('posthaste_sasl_mechanisms'),
  );
}

export function openTokens(settings: Settings, accounts: DirectoryAccounts, clock: Clock): TokenLogins | undefined {
  const check = openTokenCheck(settings, clock);
  if (check === undefined) return undefined;
  const issuer = settings.text('posthaste_oauth_issuer');
  const scope = settings.list('posthaste_oauth_scope').join(' ');
  const details = {
    ...(scope === '' ? {} : { scope }),
    // RFC 8414 §3, as OpenID Connect Discovery §4 places it.
    ...(issuer === ''
      ? {}
      : { 'openid-configuration': `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration` }),
  };
  const cacheMilliseconds = settings.seconds('posthaste_oauth_cache_time') * 1000;
  return new DirectoryTokens({ accounts, check, details, cacheMilliseconds, clock });
}

function openTokenCheck(settings: Settings, clock: Clock): TokenCheck | undefined {
  const introspection = readUrl(settings, 'posthaste_oauth_introspection_url');
  const jwks = readUrl(settings, 'posthaste_oauth_jwks_url');
  const rules: TokenRules = {
    issuer: settings.text('posthaste_oauth_issuer'),
    audiences: settings.list('posthaste_oauth_audience'),
    scopes: settings.list('posthaste_oauth_scope'),
    loginClaim: settings.text('posthaste_oauth_login_claim'),
  };
  const timeoutMilliseconds = settings.seconds('posthaste_oauth_timeout') * 1000;
  if (jwks === undefined) {
    if (introspection === undefined) return undefined;
    const clientId = settings.text('posthaste_oauth_client_id');
    const clientSecret = readSecret(settings);
    return new TokenIntrospection({ url: introspection, clientId, clientSecret, rules, timeoutMilliseconds, clock });
  }
  if (introspection !== undefined) {
    throw new SettingsError(
      'posthaste_oauth_introspection_url and posthaste_oauth_jwks_url are both set: keep the one by which tokens are to be checked',
      'posthaste_oauth_jwks_url',
    );
  }
  // Whoever has a token of the same issuer for any other program could read the mail with it.
  if (rules.issuer === '' || rules.audiences.length === 0) {
    throw new SettingsError(
      'posthaste_oauth_jwks_url needs posthaste_oauth_issuer and posthaste_oauth_audience: without them a token made for any other program would open mailboxes',
      'posthaste_oauth_jwks_url',
    );
  }
  return new TokenSignature({ url: jwks, rules, timeoutMilliseconds, clock });
}

/** Tokens and keys must not be read or changed on their way: without TLS only within this machine. */
function readUrl(
  settings: Settings,
  name: 'posthaste_oauth_introspection_url' | 'posthaste_oauth_jwks_url',
): string | undefined {
  const text = settings.text(name);
  if (text === '') return undefined;
  const url = URL.parse(text);
  const isHere = url !== null && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isHere)) return text;
  throw new SettingsError(`${name}: ${text} is not an https:// address`, name, settings.origin(name));
}

function readSecret(settings: Settings): string {
  const file = settings.text('posthaste_oauth_client_secret_file');
  if (file === '') return '';
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new SettingsError(`posthaste_oauth_client_secret_file: ${file} cannot be read (${why})`);
  }
}
