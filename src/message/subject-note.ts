// What the trace keeps of a message's subject: as a person reads it, and no more than is needed to know it again.

import { decodeHeaderText } from './encoded-word.ts';

const maxSubjectLength = 200;

/** `subject` has a character an octet, as it stands in the header; what was cut in the midst of a word stays as it is. */
export function subjectNote(subject: string): string {
  return `subject=${decodeHeaderText(subject).slice(0, maxSubjectLength)}`;
}
