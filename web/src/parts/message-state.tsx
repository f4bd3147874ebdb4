// The state of a message or of one of its recipients, as a word with a colour.

import { Badge } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Row } from '../api.ts';

export type MessageState = Row<'trace.list'>['state'];

export function useStateWords(): Readonly<Record<MessageState, readonly [word: string, color: string]>> {
  const { t } = useTranslation();
  return {
    delivered: [t('delivered'), 'green'],
    deferred: [t('deferred'), 'orange'],
    bounced: [t('bounced'), 'red'],
    refused: [t('refused'), 'red'],
    held: [t('held'), 'grape'],
    queued: [t('queued'), 'blue'],
    removed: [t('gone'), 'gray'],
  };
}

export function MessageStateBadge({ state }: { readonly state: MessageState }) {
  const [word, color] = useStateWords()[state];
  return (
    <Badge color={color} variant="light" tt="none" style={{ flexShrink: 0 }}>
      {word}
    </Badge>
  );
}
