// The questions that a session asks, as it asks them: who may send, to whom, and under which limits.
// Implemented by the access folder (and by small stand-ins in tests): the interface lives with its caller.

import type { Client, RecipientDecision, Reply } from '../routing/types.ts';

export interface SmtpPolicy {
  /** Asked at MAIL. undefined: nothing against this sender so far. */
  checkSender(sender: string, client: Client): Promise<Reply | undefined>;
  /** Asked at RCPT. Throws TemporaryError where a table could not be asked. */
  checkRecipient(
    recipient: string,
    envelope: { readonly sender: string; readonly client: Client; readonly size?: number },
  ): Promise<RecipientDecision>;
}
