// What step 3 has made, with the password that nobody can see again, and the records that the domain needs.

import { Alert, Button, Card, Code, Group, List, Stack, Text, Title } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useCall } from '../../api.ts';
import { CopyButton } from '../../parts/copy-button.tsx';
import { DomainRecords } from '../../parts/domain-records.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Failed, Loading } from '../../parts/states.tsx';
import type { Made } from './domain-form.tsx';

const route = getRouteApi('/setup');

interface DomainMadeProps {
  readonly mailbox: string;
  /** Undefined after a reload. */
  readonly made: Made | undefined;
}

export function DomainMade({ mailbox, made }: DomainMadeProps) {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const domain = mailbox.slice(mailbox.lastIndexOf('@') + 1);
  const host = useCall('host.show', {});
  return (
    <Stack gap="lg">
      {made?.password === undefined ? null : (
        <Alert color="yellow" variant="light" icon={<Icon name="key" />} title={t('The password of the mailbox')}>
          <Stack gap="xs" align="flex-start">
            <Group gap="sm">
              <Code fz="md">{made.password}</Code>
              <CopyButton text={made.password} what={t('password')} />
            </Group>
            <Text size="sm">{t('Keep it now: nobody can see it again. Its owner can change it.')}</Text>
          </Stack>
        </Alert>
      )}
      {made === undefined || made.aliases.length === 0 ? null : (
        <Text size="sm">{t('It also gets the mail for {{list}}.', { list: made.aliases.join(', ') })}</Text>
      )}
      <Card withBorder p={{ base: 'md', sm: 'xl' }} component="section" aria-label={t('DNS records')}>
        <Stack>
          <Title order={2} size="h4">
            {t('DNS records')}
          </Title>
          <List size="sm">
            <List.Item>{t('Add them where the domain {{domain}} is kept.', { domain })}</List.Item>
            <List.Item>{t('For a trial on this machine none is needed.')}</List.Item>
          </List>
          {host.isPending ? <Loading /> : null}
          {host.error === null ? null : <Failed error={host.error} onRetry={() => void host.refetch()} />}
          {host.data === undefined ? null : <DomainRecords domain={domain} hostname={host.data.hostname} />}
        </Stack>
      </Card>
      <Group justify="flex-end">
        <Button onClick={() => void navigate({ search: { step: 'test', mailbox } })}>{t('Continue')}</Button>
      </Group>
    </Stack>
  );
}
