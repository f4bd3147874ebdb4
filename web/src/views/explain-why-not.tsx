// Why mail does not arrive where somebody expected it, in words: what stands in the way, what would change it, and who does reach
// that mailbox.

import { Alert, Code, Group, List, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { type Input, useCall } from '../api.ts';
import { AnchorLink } from '../parts/links.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { NoAnswer } from '../parts/states.tsx';

interface WhyNotProps {
  readonly question: Input<'explain.show'>;
  readonly address: string;
  readonly wanted: string;
}

export function WhyNot({ question, address, wanted }: WhyNotProps) {
  const { t } = useTranslation();
  const { address: _, at, ...rest } = question;
  const { data, error, refetch } = useCall('explain.why-not', { ...rest, address, wanted });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  const { reaches, reasons, open, reachedBy } = data;
  const names = { address, wanted };
  const others = reachedBy.addresses.filter((one) => one !== address.toLowerCase());
  return (
    <Alert
      color={reaches ? 'green' : 'orange'}
      variant="light"
      title={
        reaches ? t('{{address}} does reach {{wanted}}', names) : t('Why {{address}} does not reach {{wanted}}', names)
      }
    >
      <Stack gap="xs">
        {at === undefined ? null : <Text size="sm">{t('Answered for now, not for then.')}</Text>}
        {reasons.length === 0 ? null : (
          <List size="sm" spacing={4}>
            {reasons.map(({ kind, text, source }) => (
              <List.Item key={`${kind} ${text}`}>
                {shownNames(text)} {source === undefined || text.includes(source) ? null : <Code>{source}</Code>}
              </List.Item>
            ))}
          </List>
        )}
        {reaches || open.length === 0 ? null : (
          <Text size="sm" component="div">
            {t('A row that names {{wanted}} would come first at', names)}{' '}
            {open.slice(0, 5).map(({ table, key }) => (
              <Code key={`${table} ${key}`} mr={4}>
                {key} ({table})
              </Code>
            ))}
          </Text>
        )}
        {others.length === 0 ? (
          reaches ? null : (
            <Text size="sm">{t('No address that is known here reaches {{wanted}}.', names)}</Text>
          )
        ) : (
          <Group gap="xs">
            <Text size="sm">{t('What reaches {{wanted}}:', names)}</Text>
            {others.slice(0, 20).map((one) =>
              one.startsWith('*') ? (
                <Text key={one} size="sm" className="mono">
                  {shownNames(one)}
                </Text>
              ) : (
                <AnchorLink key={one} to="/explain" search={{ address: one }} size="sm">
                  {shownNames(one)}
                </AnchorLink>
              ),
            )}
            {reachedBy.isCut || others.length > 20 ? <Text size="sm">{t('and more')}</Text> : null}
          </Group>
        )}
      </Stack>
    </Alert>
  );
}
