// Words by which administrators find domains, mailboxes, aliases and lists again. They mean nothing to mail.

import { TagsInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { type Input, useCall } from '../api.ts';
import { usePlannedChange } from '../parts/plan-preview.tsx';
import { Failed } from '../parts/states.tsx';

interface ObjectTagsProps {
  readonly kind: Input<'tag.show'>['kind'];
  readonly name: string;
}

/** Kept as they are typed: there is no button to be forgotten. */
export function ObjectTags({ kind, name }: ObjectTagsProps) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const { data, error, refetch } = useCall('tag.show', { kind, name });
  if (data === undefined && error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  const tags = data?.tags ?? [];
  const change = (next: readonly string[]) => {
    const add = next.filter((tag) => !tags.includes(tag));
    const remove = tags.filter((tag) => !next.includes(tag));
    if (add.length + remove.length === 0) return;
    void planned.run({
      operation: 'tag.change',
      input: { kind, name, add, remove },
      done: t('Tags changed'),
      isPlain: true,
    });
  };
  return (
    <TagsInput
      label={t('Tags')}
      description={t('For finding it again; mail takes no notice of them. Kept at once.')}
      disabled={data === undefined}
      value={[...tags]}
      error={planned.problem?.text}
      onChange={change}
      acceptValueOnBlur
    />
  );
}
