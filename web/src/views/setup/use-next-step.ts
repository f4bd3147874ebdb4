// The first step whose effect is not there yet: where somebody goes on who left in the middle.

import { useCall } from '../../api.ts';

type Step = 'second-factor' | 'host' | 'domain' | 'test';

interface NextStep {
  readonly step: Step | undefined;
  readonly error: unknown;
  readonly retry: () => void;
}

export function useNextStep(isWanted: boolean): NextStep {
  const options = { enabled: isWanted, staleTime: 0 };
  const factors = useCall('account.second-factors', {}, options);
  const host = useCall('host.show', {}, options);
  const mailboxes = useCall('mailbox.list', { limit: 1 }, options);
  const all = [factors, host, mailboxes];
  return {
    step: stepOf(),
    error: all.find(({ error }) => error !== null)?.error ?? undefined,
    retry: () => void Promise.all(all.map((query) => query.refetch())),
  };

  function stepOf(): Step | undefined {
    if (factors.data === undefined || host.data === undefined || mailboxes.data === undefined) return undefined;
    const { totp, passkeys } = factors.data;
    if (!totp && passkeys.length === 0) return 'second-factor';
    if (!host.data.isSet) return 'host';
    return mailboxes.data.items.length === 0 ? 'domain' : 'test';
  }
}
