// Generated from scripts/draft-openapi.json by scripts/generate-api.mjs. Do not edit: run `npm run gen:api`.

export type AgentError = {
  component?: string;
  message?: string;
  severity?: string;
  time?: string;
};

export type ArcAgentProfile = {
  agentAutoUpgrade?: string;
  agentState?: string;
  desiredAgentVersion?: string;
  agentErrors?: Array<AgentError>;
};

export type CloudMetadata = {
  provider?: string;
};

export type ConnectedCluster = {
  id: string;
  name: string;
  type: string;
  location?: string;
  tags?: Record<string, string>;
  kind?: string;
  etag?: string;
  systemData?: SystemData;
  properties?: ConnectedClusterProperties;
};

export type ConnectedClusterProperties = {
  agentVersion?: string;
  arcAgentProfile?: ArcAgentProfile;
  connectivityStatus?: "AgentNotInstalled" | "Connected" | "Connecting" | "Expired" | "Offline" | (string & {});
  distribution?: string;
  distributionVersion?: string;
  infrastructure?: string;
  kubernetesVersion?: string;
  lastConnectivityTime?: string;
  managedIdentityCertificateExpirationTime?: string;
  miscellaneousProperties?: Record<string, string>;
  provisioningState?: string;
  totalCoreCount?: number;
  totalNodeCount?: number;
};

export type Disk = {
  name?: string;
  path?: string;
  diskType?: string;
  id?: string;
  maxSizeInBytes?: number;
  usedSpaceInBytes?: number;
};

export type ErrorDetail = {
  code: string;
  message: string;
  target?: string;
  details?: Array<ErrorDetail>;
};

export type ErrorItem = {
  code?: string;
  message?: string;
  target?: string;
};

export type ErrorResponse = {
  error: ErrorDetail;
};

export type FirmwareProfile = {
  serialNumber?: string;
  type?: string;
};

export type HardwareProfile = {
  numberOfCpuSockets?: number;
  processors?: Array<Processor>;
  totalPhysicalMemoryInBytes?: number;
};

export type IpAddress = {
  address?: string;
  ipAddressVersion?: string;
  subnet?: {
    addressPrefix?: string;
  };
};

export type KubernetesObject = {
  id: string;
  name: string;
  type: string;
  properties: KubernetesObjectProperties;
};

export type KubernetesObjectList = {
  value: Array<KubernetesObject>;
  nextLink?: string;
};

export type KubernetesObjectProperties = {
  apiVersion: string;
  kind: string;
  namespace?: string;
  name: string;
  observedAt?: string;
  object?: Record<string, unknown>;
};

export type Machine = {
  id: string;
  name: string;
  type: string;
  location?: string;
  tags?: Record<string, string>;
  kind?: string;
  etag?: string;
  systemData?: SystemData;
  properties?: MachineProperties;
};

export type MachineProperties = {
  agentVersion?: string;
  cloudMetadata?: CloudMetadata;
  detectedProperties?: Record<string, string>;
  displayName?: string;
  dnsFqdn?: string;
  domainName?: string;
  errorDetails?: Array<ErrorItem>;
  firmwareProfile?: FirmwareProfile;
  hardwareProfile?: HardwareProfile;
  lastStatusChange?: string;
  machineFqdn?: string;
  networkProfile?: NetworkProfile;
  osEdition?: string;
  osName?: string;
  osSku?: string;
  osType?: string;
  osVersion?: string;
  osProfile?: {
    computerName?: string;
  };
  provisioningState?: string;
  status?: "AwaitingConnection" | "Connected" | "Disconnected" | "Error" | "Expired" | (string & {});
  statusReason?: string;
  storageProfile?: StorageProfile;
  vmId?: string;
  vmUuid?: string;
};

export type NetworkInterface = {
  name?: string;
  id?: string;
  macAddress?: string;
  ipAddresses?: Array<IpAddress>;
};

export type NetworkProfile = {
  networkInterfaces?: Array<NetworkInterface>;
};

export type PortalSession = {
  tenantId: string;
  objectId: string;
  name: string;
  username: string;
  expiresOn: string;
};

export type Processor = {
  name?: string;
  numberOfCores?: number;
};

export type Resource = {
  id: string;
  name: string;
  type: string;
  location?: string;
  tags?: Record<string, string>;
  kind?: string;
  etag?: string;
  systemData?: SystemData;
  properties?: Record<string, unknown>;
};

export type StorageProfile = {
  disks?: Array<Disk>;
};

export type Subscription = {
  id: string;
  subscriptionId?: string;
  tenantId?: string;
  displayName?: string;
  state?: string;
  name: string;
  type: string;
};

export type SubscriptionList = {
  value: Array<Subscription>;
  nextLink?: string;
};

export type SystemData = {
  createdBy?: string;
  createdByType?: string;
  createdAt?: string;
  lastModifiedBy?: string;
  lastModifiedByType?: string;
  lastModifiedAt?: string;
};
