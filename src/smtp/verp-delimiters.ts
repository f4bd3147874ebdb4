// VERP delimiters (VERP_README): two of the characters that verp_delimiter_filter allows.

export function areVerpDelimiters(delimiters: string, allowed: string): boolean {
  return delimiters.length === 2 && allowed.includes(delimiters.charAt(0)) && allowed.includes(delimiters.charAt(1));
}
