// Begun.

import { Empty } from '../parts/states.tsx';

export function AliasesTab({ domain }: { readonly domain: string }) {
  return <Empty title={domain} />;
}
