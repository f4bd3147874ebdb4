// One word about a new password, while it is typed: how long guessing would take, roughly. What is repeated, in a row or
// commonly used counts for little. It advises; what is refused the server says.

import { Group, Progress, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

type Strength = 'short' | 'weak' | 'fair' | 'strong';

const common =
  /pass(?:wor[dt])?|kennwort|azerty|qwert[yz]?|asdf|letmein|welcome|admin|post(?:haste|master)|mail|12345\d*/gi;
const classes = [
  [/[a-z]/, 26],
  [/[A-Z]/, 26],
  [/\d/, 10],
  [/[^A-Za-z\d]/, 33],
] as const;

/** In characters, as the server counts. */
export function lengthOf(password: string): number {
  return Array.from(password).length;
}

export function strengthOf(password: string, minLength: number, known: readonly string[] = []): Strength {
  if (lengthOf(password) < minLength) return 'short';
  let rest = password;
  for (const word of known) if (word.length > 2) rest = rest.replaceAll(word, '*');
  rest = rest.replace(common, '*');
  const pool = classes.reduce((sum, [pattern, size]) => sum + (pattern.test(rest) ? size : 0), 0);
  const seen = new Set<string>();
  let length = 0;
  for (const [at, character] of Array.from(rest).entries()) {
    const step = at === 0 ? Number.NaN : rest.charCodeAt(at) - rest.charCodeAt(at - 1);
    length += Math.abs(step) <= 1 ? 0.25 : seen.has(character) ? 0.6 : 1;
    seen.add(character);
  }
  const bits = length * Math.log2(Math.max(2, pool));
  if (bits < 45) return 'weak';
  return bits < 65 ? 'fair' : 'strong';
}

const shown = { short: [10, 'red'], weak: [30, 'red'], fair: [65, 'yellow'], strong: [100, 'green'] } as const;

interface PasswordStrengthProps {
  readonly password: string;
  readonly minLength: number;
  /** What others know of its owner: the login, the name. */
  readonly known?: readonly string[];
}

export function PasswordStrength({ password, minLength, known = [] }: PasswordStrengthProps) {
  const { t } = useTranslation();
  const words = {
    short: t('Too short: at least {{count}} characters', { count: minLength }),
    weak: t('Weak: easy to guess'),
    fair: t('Fair'),
    strong: t('Strong'),
  };
  const strength = strengthOf(password, minLength, known);
  const [value, color] = shown[strength];
  return (
    <Group gap="sm" wrap="nowrap" aria-live="polite">
      <Progress value={password === '' ? 0 : value} color={color} w={120} aria-hidden style={{ flex: 'none' }} />
      <Text size="sm" c="dimmed">
        {password === '' ? t('Several words that nobody would guess are easiest to keep in mind') : words[strength]}
      </Text>
    </Group>
  );
}
