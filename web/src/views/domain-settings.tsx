// Begun.

import { Empty } from '../parts/states.tsx';

export function DomainSettingsTab({
  domain,
}: {
  readonly domain: { readonly name: string };
  readonly etag: string | undefined;
}) {
  return <Empty title={domain.name} />;
}
