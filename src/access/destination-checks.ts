// Relay control (SMTPD_RELAY_RESTRICTIONS of postconf(5)): who may have mail sent where.

import { toInternal } from '../address/form.ts';
import { roleNames } from '../routing/listed.ts';
import type { Settings } from '../settings/settings.ts';
import type { Evaluation, Restriction, Verdict } from './evaluation.ts';

type Check = Restriction['check'];

/** Is this mail for our own domains or for relay_domains? An address that is routed further is not. */
export async function isAuthorised(evaluation: Evaluation, allowsRouting: boolean): Promise<boolean> {
  const resolved = await evaluation.resolved('recipient');
  return resolved.class !== 'default' && (allowsRouting || !resolved.isRouted);
}

export function destinationChecks(settings: Settings): Record<string, Check> {
  const allowsRouting = settings.flag('allow_untrusted_routing');
  const refuseOthers = (code: number, status: string, prefix = ''): Check => {
    const deny = async (evaluation: Evaluation): Promise<Verdict> => {
      if (await isAuthorised(evaluation, allowsRouting)) return 'dunno';
      return { code, status, text: `<${toInternal(evaluation.recipient ?? '')}>: ${prefix}Relay access denied` };
    };
    return (evaluation) => recipientOnly(evaluation, () => deny(evaluation));
  };
  const code = settings.integer('relay_domains_reject_code');
  const hundreds = Math.floor(code / 100);
  const permitAuthorised: Check = (evaluation) =>
    recipientOnly(evaluation, async () => ((await isAuthorised(evaluation, allowsRouting)) ? 'permit' : 'dunno'));
  const refuseRelaying = refuseOthers(code, `${hundreds}.7.1`, `${roleNames.recipient} rejected: `);
  return {
    permit_auth_destination: permitAuthorised,
    reject_unauth_destination: refuseOthers(code, `${hundreds}.7.1`),
    defer_unauth_destination: refuseOthers(code - 100, `${Math.floor((code - 100) / 100)}.7.1`),
    // Older than the two above, and still in people's files.
    check_relay_domains: async (evaluation) => {
      const verdict = await permitAuthorised(evaluation);
      return verdict === 'dunno' ? await refuseRelaying(evaluation) : verdict;
    },
  };
}

export function recipientOnly(
  evaluation: Evaluation,
  check: () => Promise<Verdict> | Verdict,
): Promise<Verdict> | Verdict {
  return evaluation.recipient === undefined ? 'dunno' : check();
}
