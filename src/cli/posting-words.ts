// How it is said who may write to a list or an alias.

import type { PostingRule } from '../directory/schema.ts';

export function mayWrite({
  post,
  posters,
}: {
  readonly post: PostingRule;
  readonly posters: readonly string[];
}): string {
  switch (post) {
    case 'anyone':
      return 'anyone may write';
    case 'members':
      return 'members may write';
    case 'domain':
      return 'everybody of its domain may write';
    case 'listed':
      return `${posters.slice(0, 3).join(', ') || 'nobody'}${posters.length > 3 ? ' …' : ''} may write`;
  }
}
