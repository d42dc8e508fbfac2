/** A link inside the portal. `to` comes from the path builder. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

interface AppLinkProps {
  to: string;
  children: ReactNode;
  className?: string;
  /** Marks the link of the page that is open, and only of exactly that page unless `within`. */
  within?: boolean;
  /** What stands behind the path. */
  search?: Record<string, string | undefined>;
}

export function AppLink({ to, children, className, within = false, search }: AppLinkProps) {
  return (
    <Link to={to} search={search} className={className} activeOptions={{ exact: !within, includeSearch: false }}>
      {children}
    </Link>
  );
}
