// The head of a view: what it is, what can be done here, and the page's title in the browser.

import { Group, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';

interface PageHeadProps {
  readonly title: string;
  readonly note?: ReactNode;
  readonly children?: ReactNode;
}

export function PageHead({ title, note, children }: PageHeadProps) {
  useEffect(() => {
    document.title = `${title} – Posthaste`;
  }, [title]);
  return (
    <Group justify="space-between" align="flex-start" mb="md">
      <Stack gap={2}>
        <Title order={1} size="h2">
          {title}
        </Title>
        {note === undefined ? null : (
          <Text c="dimmed" size="sm" component="div">
            {note}
          </Text>
        )}
      </Stack>
      <Group gap="xs">{children}</Group>
    </Group>
  );
}
