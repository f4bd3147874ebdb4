// posthaste_auth_listen and posthaste_auth_userdb_listen: `unix:/path`, `inet:host:port`, or one of them in braces with
// attributes: { unix:/var/spool/postfix/private/auth, mode=0660, user=postfix, group=postfix }. A socket that says nothing
// else may be opened by our own user only.

import { accountId } from '../auth/dovecot-server/account-id.ts';
import type { AuthEndpoint } from '../auth/dovecot-server/auth-listener.ts';
import { splitList } from '../lib/split-list.ts';
import { listenAddresses } from '../settings/services.ts';
import type { Settings } from '../settings/settings.ts';
import { SettingsError } from '../settings/settings-error.ts';

type EndpointParameter = 'posthaste_auth_listen' | 'posthaste_auth_userdb_listen';

/** Throws SettingsError. */
export function readAuthEndpoints(settings: Settings, parameter: EndpointParameter): AuthEndpoint[] {
  const fail = (text: string): never => {
    throw new SettingsError(`${parameter}: ${text}`, parameter, settings.origin(parameter));
  };
  return settings.list(parameter).flatMap((word): AuthEndpoint[] => {
    const isBraced = word.startsWith('{') && word.endsWith('}');
    const [place = '', ...rest] = isBraced ? splitList(word.slice(1, -1)) : [word];
    const attributes = new Map(rest.map((one) => one.split(/=(.*)/s, 2) as [string, string]));
    for (const name of attributes.keys()) {
      if (!['mode', 'user', 'group'].includes(name)) fail(`${place}: there is no attribute ${name}`);
    }
    const mode = attributes.get('mode') ?? '0600';
    if (!/^0?[0-7]{3}$/.test(mode)) fail(`${place}: mode=${mode}: must be three octal digits`);
    if (place.startsWith('inet:')) {
      if (attributes.size > 0) fail(`${place}: an address has no mode and no owner`);
      const none = { mode: 0, uid: undefined, gid: undefined };
      return listenAddresses(place.slice(5), settings, parameter).map((at) => ({ at, ...none }));
    }
    const path = place.replace(/^unix:/, '');
    if (!path.startsWith('/')) fail(`${place}: must be unix:/path or inet:host:port`);
    const user = attributes.get('user');
    const group = attributes.get('group');
    const uid =
      user === undefined ? undefined : (accountId('passwd', user) ?? fail(`${place}: there is no user ${user}`));
    const gid =
      group === undefined ? undefined : (accountId('group', group) ?? fail(`${place}: there is no group ${group}`));
    return [{ at: { path }, mode: Number.parseInt(mode, 8), uid, gid }];
  });
}
