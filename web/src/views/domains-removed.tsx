// Domains that were removed and can still be brought back with all that they held.

import { Button, Drawer, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useTranslation } from 'react-i18next';
import { useCall } from '../api.ts';
import { SmallTable } from '../parts/big-table.tsx';
import { formatTime } from '../parts/format.ts';
import { usePlannedChange } from '../parts/plan-preview.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { Empty, Failed, NoAnswer } from '../parts/states.tsx';

interface RemovedDomainsProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function RemovedDomains({ isOpen, onClose }: RemovedDomainsProps) {
  const { t } = useTranslation();
  return (
    <Drawer
      opened={isOpen}
      onClose={onClose}
      position="right"
      size="lg"
      title={t('Removed domains')}
      closeButtonProps={{ 'aria-label': t('Close') }}
    >
      <Removed />
    </Drawer>
  );
}

function Removed() {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const { data, error, refetch } = useCall('domain.list-removed', {});
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  if (data.items.length === 0) {
    return (
      <Empty title={t('Nothing to bring back')}>
        <Text ta="center">{t('Domains that are removed can be brought back here for some time.')}</Text>
      </Empty>
    );
  }
  const restore = async (name: string) => {
    const restored = await planned.run({
      operation: 'domain.restore',
      input: { name },
      done: t('{{domain}} is hosted again', { domain: name }),
    });
    for (const lost of restored?.lost ?? [])
      notifications.show({
        message: lost,
        color: 'orange',
        autoClose: false,
        closeButtonProps: { 'aria-label': t('Close') },
      });
  };
  return (
    <Stack>
      {planned.problem === undefined ? null : <Failed error={planned.problem} />}
      <SmallTable
        label={t('Removed domains')}
        rows={data.items}
        keyOf={({ name, removedAt }) => `${name} ${removedAt}`}
        columns={[
          { title: t('Domain'), cell: ({ name }) => <span className="mono">{shownNames(name)}</span> },
          { title: t('Removed'), cell: ({ removedAt }) => formatTime(removedAt) },
          { title: t('Kept until'), cell: ({ recoverableUntil }) => formatTime(recoverableUntil) },
          {
            title: t('Action'),
            cell: ({ name }) => (
              <Button
                size="xs"
                variant="default"
                loading={planned.isBusy}
                aria-label={t('Bring back {{name}}', { name })}
                onClick={() => void restore(name)}
              >
                {t('Bring back')}
              </Button>
            ),
          },
        ]}
      />
      {planned.dialog}
    </Stack>
  );
}
