/** What Monaco asks its surroundings for. It does so while it is loaded, so that this stands before every part of it. */
import { createPolicy } from "./strict-policy";

// Nothing that the page uses of Monaco needs a worker of Monaco's own.
Object.assign(globalThis, { MonacoEnvironment: { createTrustedTypesPolicy: createPolicy } });
