// Whether mail for an address would be taken where it goes (verify(8)): asked by reject_unverified_sender and
// reject_unverified_recipient, answered by queue/verifier.ts: the interface lives with its caller.

export interface VerifiedAddress {
  /** `unknown`: no answer yet; `deferred`: it could not be found out for now. */
  readonly status: 'deliverable' | 'undeliverable' | 'deferred' | 'unknown';
  /** What the last server said, or why there is no answer. */
  readonly text: string;
}

export interface AddressVerifier {
  /** The address in external standard form. Waits for an answer as long as `patience` allows. Never throws TemporaryError. */
  verify(address: string, patienceMilliseconds: number): Promise<VerifiedAddress>;
}
