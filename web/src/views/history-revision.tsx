// One revision: who, when, what of each object is other than before, and undoing it with its plan.

import { Alert, Badge, Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useCall } from '../api.ts';
import { useActorName } from '../parts/actor-words.ts';
import { ObjectDifference } from '../parts/differences.tsx';
import { formatNumber, formatTime } from '../parts/format.ts';
import { AnchorLink } from '../parts/links.tsx';
import { usePlannedChange } from '../parts/plan-preview.tsx';
import { NoAnswer } from '../parts/states.tsx';

interface RevisionDetailProps {
  readonly mark: string;
  readonly onOpen: (mark: string | undefined) => void;
}

const usualChanges = 25;

export function RevisionDetail({ mark, onOpen }: RevisionDetailProps) {
  const { t } = useTranslation();
  const nameOf = useActorName();
  const planned = usePlannedChange();
  const [shown, setShown] = useState(usualChanges);
  const { data, error, refetch } = useCall('revision.show', { revision: mark });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  const { revision, time, actor, changes, count, mayRevert } = data;
  const undone = changes.find(({ action }) => action === 'revision.revert')?.object;
  const undo = async () => {
    const words = { title: t('What undoing this does to mail'), done: t('It is undone') };
    if (await planned.revert(mark, words)) onOpen(undefined);
  };
  return (
    <Stack gap="md">
      <Group gap="xs" justify="space-between" align="flex-start">
        <Stack gap={2}>
          <Text fw={600}>{formatTime(time)}</Text>
          <Text size="sm" className="wrap-anywhere">
            {nameOf(actor)}
          </Text>
          <Group gap={6}>
            {revision === undefined ? null : (
              <Badge variant="outline" color="gray" tt="none">
                {t('Revision {{number}}', { number: revision })}
              </Badge>
            )}
            {undone === undefined ? null : (
              <Badge variant="light" color="grape" tt="none">
                {t('undoes revision {{number}}', { number: undone })}
              </Badge>
            )}
          </Group>
        </Stack>
        {mayRevert ? (
          <Button variant="light" loading={planned.isBusy} onClick={() => void undo()}>
            {t('Undo…')}
          </Button>
        ) : null}
      </Group>
      {mayRevert ? null : (
        <Text size="sm" c="dimmed">
          {t('Only an administrator of the host can undo this: not all of it is yours to change.')}
        </Text>
      )}
      {planned.problem === undefined ? null : (
        <Alert color="orange" variant="light" title={t('It cannot be undone as it is')}>
          {[planned.problem.text, planned.problem.mend ?? ''].filter(Boolean).join(': ')}
        </Alert>
      )}
      {changes.slice(0, shown).map((change, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- the changes of one revision never change places
        <Stack key={index} gap={2}>
          <ObjectDifference change={change} />
          <ObjectLinks object={change.object} action={change.action} />
        </Stack>
      ))}
      {shown < changes.length ? (
        <Button variant="default" size="xs" onClick={() => setShown(shown + 100)}>
          {t('Show more ({{number}})', { number: formatNumber(changes.length - shown) })}
        </Button>
      ) : null}
      {changes.length < count ? (
        <Text size="sm" c="dimmed">
          {t('The first {{shown}} of {{number}} changes are shown.', {
            shown: formatNumber(changes.length),
            number: formatNumber(count),
          })}
        </Text>
      ) : null}
      {planned.dialog}
    </Stack>
  );
}

const explained = /^(?:mailbox|alias|list|list-member|catch-all|relay-recipient)\./;

function ObjectLinks({ object, action }: { readonly object: string; readonly action: string }) {
  const { t } = useTranslation();
  const isAddress = explained.test(action) && object.indexOf('@') > 0;
  const isDomain = /^(?:domain|alias-domain)\./.test(action);
  return (
    <Group gap="sm">
      {isAddress ? (
        <AnchorLink size="xs" to="/explain" search={{ address: object }}>
          {t('Where does its mail go?')}
        </AnchorLink>
      ) : null}
      {isDomain ? (
        <AnchorLink size="xs" to="/domains/$domain" params={{ domain: object }}>
          {t('The domain')}
        </AnchorLink>
      ) : null}
      <AnchorLink size="xs" to="/history" search={{ object }}>
        {t('All its changes')}
      </AnchorLink>
    </Group>
  );
}
