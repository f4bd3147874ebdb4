// The arguments of BDAT (RFC 3030 §2).

export interface BdatArguments {
  readonly size: number;
  readonly isLast: boolean;
}

/** `BDAT 1234` and `BDAT 1234 LAST`; undefined for anything else: then no one knows where the chunk ends. */
export function parseBdat(text: string): BdatArguments | undefined {
  const match = /^(\d{1,15})(?:[ \t]+(LAST))?[ \t]*$/i.exec(text.trimStart());
  if (match === null) return undefined;
  return { size: Number(match[1]), isLast: match[2] !== undefined };
}
