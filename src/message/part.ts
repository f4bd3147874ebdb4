// A message's MIME structure as byte offsets: what IMAP's BODYSTRUCTURE and partial FETCH need (RFC 3501
// §6.4.5, §7.4.2). Text taken from the message is kept as it stands there, one character a byte (latin1),
// because ENVELOPE and BODYSTRUCTURE hand it out undecoded.

export interface Parameter {
  readonly name: string;
  readonly value: string;
}

/** A token with parameters: Content-Disposition (RFC 2183), and Content-Type where the token holds a slash. */
export interface ParameterizedValue {
  readonly value: string;
  readonly parameters: readonly Parameter[];
}

/** The fields that ENVELOPE shows (RFC 3501 §7.4.2), unfolded, undecoded; absent where the message has none. */
export interface EnvelopeFields {
  date?: string;
  subject?: string;
  from?: string;
  sender?: string;
  'reply-to'?: string;
  to?: string;
  cc?: string;
  bcc?: string;
  'in-reply-to'?: string;
  'message-id'?: string;
}

export interface Part {
  /** Offset of the part's first header octet. */
  headerFrom: number;
  /** Offset of the first octet after the empty line. */
  bodyFrom: number;
  /** Offset after the last octet of the body; the line end before a boundary belongs to the boundary. */
  end: number;
  /** Line ends in the header (with the empty line) and in the body. */
  headerLines: number;
  bodyLines: number;
  type: string;
  subtype: string;
  parameters: readonly Parameter[];
  id: string | undefined;
  description: string | undefined;
  encoding: string | undefined;
  md5: string | undefined;
  disposition: ParameterizedValue | undefined;
  languages: readonly string[];
  location: string | undefined;
  /** Of a multipart: its parts. Of a message/rfc822: one, the message inside. */
  readonly children: Part[];
  /** Only for the root of a message (the whole, or inside a message/rfc822). */
  envelope: EnvelopeFields | undefined;
}

export function newPart(headerFrom: number): Part {
  return {
    headerFrom,
    bodyFrom: headerFrom,
    end: headerFrom,
    headerLines: 0,
    bodyLines: 0,
    type: 'text',
    subtype: 'plain',
    parameters: [],
    id: undefined,
    description: undefined,
    encoding: undefined,
    md5: undefined,
    disposition: undefined,
    languages: [],
    location: undefined,
    children: [],
    envelope: undefined,
  };
}

export function isMultipart(part: Part): boolean {
  return part.type.toLowerCase() === 'multipart';
}

/** RFC 3501 §7.4.2 looks into message/rfc822 alone; message/global (RFC 6532) is opaque to IMAP4rev1. */
export function isMessage(part: Part): boolean {
  return part.type.toLowerCase() === 'message' && part.subtype.toLowerCase() === 'rfc822';
}

export function parameterValue(parameters: readonly Parameter[], name: string): string | undefined {
  return parameters.find((parameter) => parameter.name.toLowerCase() === name)?.value;
}
