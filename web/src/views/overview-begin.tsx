// What to do next on a new host, instead of empty pictures.

import { Card, List, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { type Output, useCall } from '../api.ts';
import { Icon } from '../parts/icon.tsx';
import { ButtonLink } from '../parts/links.tsx';

type Domain = Output<'domain.list'>['items'][number];

/** Nothing where the host has begun. */
export function OverviewBegin() {
  const { t } = useTranslation();
  const { data } = useCall('domain.list', { limit: 20 });
  if (data === undefined || data.next !== undefined) return null;
  const domains: readonly Domain[] = data.items;
  const [first] = domains;
  const hasPeople = domains.some(
    ({ mailboxes, aliases, lists, class: kind }) => mailboxes + aliases + lists > 1 || kind === 'relay',
  );
  if (first !== undefined && hasPeople) return null;
  const steps = [
    { text: t('Add the first domain'), isDone: first !== undefined },
    { text: t('Add mailboxes or aliases to it'), isDone: hasPeople },
    { text: t('Set the records of the DNS that lead its mail here'), isDone: false },
    { text: t('Send a test message, and see it arrive'), isDone: false },
  ];
  return (
    <Card withBorder padding="lg">
      <Stack gap="sm" align="flex-start">
        <Title order={2} size="h4">
          {t('What to do next')}
        </Title>
        <List spacing="xs" center>
          {steps.map(({ text, isDone }) => (
            <List.Item
              key={text}
              icon={
                <ThemeIcon size={22} radius="xl" variant="light" color={isDone ? 'green' : 'gray'} aria-hidden>
                  {isDone ? <Icon name="done" size={13} /> : null}
                </ThemeIcon>
              }
            >
              <Text component="span">{text}</Text>
              {isDone ? <span className="visually-hidden"> ({t('done')})</span> : null}
            </List.Item>
          ))}
        </List>
        {first === undefined ? (
          <ButtonLink to="/domains">{t('To the domains')}</ButtonLink>
        ) : (
          <ButtonLink to="/domains/$domain" params={{ domain: first.name }}>
            {t('To {{domain}}', { domain: first.name })}
          </ButtonLink>
        )}
      </Stack>
    </Card>
  );
}
