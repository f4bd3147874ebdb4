// What local(8) says of a recipient without delivering: who exists, or has an alias, gets mail; what an alias is made of is not
// looked at further, as in Postfix.

import type { RecipientOutcome, RecipientProbe } from '../queue/delivery-agent.ts';
import type { ExpandLocal } from './local.ts';

export function localProbe(expand: ExpandLocal): RecipientProbe {
  return {
    asksOthers: false,
    ask: async ({ recipient, transport }) => {
      const ends = await expand(recipient, transport, new Set());
      const [only, ...others] = ends;
      const outcome: RecipientOutcome =
        only?.kind === 'refused' && others.length === 0
          ? {
              kind: only.status.startsWith('4') ? 'deferred' : 'bounced',
              status: only.status,
              reason: only.reason,
              relay: 'local',
            }
          : { kind: 'delivered', status: '2.0.0', reason: 'delivers to local recipient', relay: 'local' };
      return { outcomes: [outcome] };
    },
  };
}
