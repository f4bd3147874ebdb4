// The newest changes of the directory, as far as one may see them.

import { Card, Stack, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useCall } from '../api.ts';
import { useActionWords } from '../parts/action-words.ts';
import { byLink } from '../parts/actor-words.ts';
import { formatAge, formatNumber } from '../parts/format.ts';
import { AnchorLink } from '../parts/links.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { NoAnswer } from '../parts/states.tsx';

const shown = 6;

export function OverviewChanges() {
  const { t } = useTranslation();
  const words = useActionWords();
  const { data, error, refetch } = useCall('revision.list', { limit: shown });
  return (
    <Card withBorder padding="md" h="100%">
      <Title order={2} size="h4" mb="xs">
        {t('Newest changes')}
      </Title>
      {data === undefined ? (
        <NoAnswer error={error} onRetry={() => void refetch()} />
      ) : data.items.length === 0 ? (
        <Text c="dimmed">{t('Nothing has been changed yet.')}</Text>
      ) : (
        <Stack gap={8}>
          {data.items.map(({ mark, time, actor, changes: [first], count }) => (
            <div key={mark}>
              <AnchorLink to="/history" search={{ revision: mark }} size="sm" style={{ overflowWrap: 'anywhere' }}>
                {first === undefined ? '' : `${words(first.action, first.object).text} ${shownNames(first.object)}`}
                {count > 1 ? ` ${t('and {{number}} more', { number: formatNumber(count - 1) })}` : ''}
              </AnchorLink>
              <Text size="xs" c="dimmed">
                {t('{{actor}}, {{age}}', {
                  actor:
                    actor === byLink
                      ? t('by a link that is good once')
                      : actor.replace(/^api:/, '').replace(/#\d+$/, ''),
                  age: formatAge(time),
                })}
              </Text>
            </div>
          ))}
        </Stack>
      )}
    </Card>
  );
}
