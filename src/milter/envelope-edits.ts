// What filters have ordered about sender and recipients, in the order in which they did. They are carried out when
// all filters have been heard: an added recipient is expanded like any other (canonical(5), virtual(5)) but gets no blind
// copies; a deleted one goes with everything that its expansion has given, for filters see addresses as the client gave
// them (cleanup(8), MILTER_README).

export interface RecipientOrder {
  readonly order: 'add' | 'delete';
  /** External form. */
  readonly address: string;
  /** NOTIFY of an added one (RFC 3461 §4.1), or ''. */
  readonly notify?: string;
  /** Its ORCPT, or ''. */
  readonly orcpt?: string;
}

export interface EnvelopeEdits {
  /** External form; '' is the null sender; undefined: as it was. */
  sender: string | undefined;
  /** With the sender; undefined: as they were. */
  ret: string | undefined;
  envid: string | undefined;
  readonly recipients: RecipientOrder[];
}

export function noEnvelopeEdits(): EnvelopeEdits {
  return { sender: undefined, ret: undefined, envid: undefined, recipients: [] };
}

/** RFC 5321 §4.5.3.1.3, with room for those who do not keep to it. */
const maxAddressLength = 1000;

/** `<a@b>`, `a@b` or `Name <a@b>`; control characters would end a line of the envelope. */
export function readAddress(text: string): string {
  const clean = text
    .replace(/[\x00-\x1f\x7f]/g, ' ')
    .trim()
    .slice(0, maxAddressLength);
  const bracketed = /<((?:"(?:[^"\\]|\\.)*"|[^<>"])*)>/.exec(clean);
  return (bracketed?.[1] ?? clean).trim();
}
