// The smtp_sasl_* and lmtp_sasl_* parameters as the SMTP client's rules of logging in (SASL_README).

import { isAllowed, unknownSecurityOption } from '../auth/sasl-security.ts';
import type { ClientTables } from '../routing/client-tables.ts';
import type { Settings } from '../settings/settings.ts';
import type { ClientSasl } from '../smtp-client/security.ts';

/** Undefined where no login is asked for; a text where mail must not be sent with these settings. */
export function clientSasl(
  protocol: 'smtp' | 'lmtp',
  settings: Settings,
  tables: ClientTables,
): ClientSasl | string | undefined {
  if (!settings.flag(`${protocol}_sasl_auth_enable`)) return undefined;
  // smtp(8) ends with the same words.
  if (!tables.hasPasswords) return `must set ${protocol}_sasl_password_maps: no login is known`;
  const options = {
    none: settings.list(`${protocol}_sasl_security_options`),
    tls: settings.list(`${protocol}_sasl_tls_security_options`),
    verified: settings.list(`${protocol}_sasl_tls_verified_security_options`),
  };
  const unknown = unknownSecurityOption(Object.values(options).flat());
  if (unknown !== undefined) return `${protocol}_sasl_security_options: "${unknown}" is none`;
  return {
    softBounce: settings.flag(`${protocol}_sasl_auth_soft_bounce`),
    isUsable: (mechanism) => tables.isUsableMechanism(mechanism),
    isSafe: (mechanism, protection) => isAllowed(mechanism, options[protection]),
    credentials: async (question) => {
      const found = await tables.password(question);
      if (found === undefined) return undefined;
      const colon = found.indexOf(':');
      return colon < 0
        ? { login: found, password: '' }
        : { login: found.slice(0, colon), password: found.slice(colon + 1) };
    },
  };
}
