// Generated from ../openapi/bowline.json by scripts/generate-api.mjs. Do not edit: run `npm run gen:api`.

export type AgentSettings = {
  etag?: string;
  id: string;
  name: string;
  properties?: AgentSettingsProperties;
  systemData?: SystemData;
  type: string;
};

export type AgentSettingsList = {
  nextLink?: string;
  value: Array<AgentSettings>;
};

export type AgentSettingsProperties = {
  agentVersion?: string;
  byteBudgetPerDay?: number;
  keepAliveSeconds?: number;
  logLevel?: string;
  watchedKinds?: Array<string>;
};

export type Alias = {
  etag?: string;
  id: string;
  name: string;
  properties?: AliasProperties;
  systemData?: SystemData;
  type: string;
};

export type AliasList = {
  nextLink?: string;
  value: Array<Alias>;
};

export type AliasProperties = {
  acceptOwnershipState?: string;
  additionalProperties?: Record<string, unknown>;
  billingScope?: string;
  createdTime?: string;
  displayName?: string;
  managementGroupId?: string;
  provisioningState?: string;
  resellerId?: string;
  subscriptionId?: string;
  tags?: Record<string, string>;
  workload?: string;
};

export type Any = Record<string, unknown>;

export type Application = {
  etag?: string;
  id: string;
  name: string;
  properties?: ApplicationProperties;
  systemData?: SystemData;
  type: string;
};

export type ApplicationFederatedIdentityCredential = {
  etag?: string;
  id: string;
  name: string;
  properties?: ApplicationFederatedIdentityCredentialProperties;
  systemData?: SystemData;
  type: string;
};

export type ApplicationFederatedIdentityCredentialList = {
  nextLink?: string;
  value: Array<ApplicationFederatedIdentityCredential>;
};

export type ApplicationFederatedIdentityCredentialProperties = {
  audiences?: Array<string>;
  description?: string;
  issuer?: string;
  objectId?: string;
  subject?: string;
};

export type ApplicationList = {
  nextLink?: string;
  value: Array<Application>;
};

export type ApplicationProperties = {
  api?: Record<string, unknown>;
  appId?: string;
  appRoles?: Array<unknown>;
  description?: string;
  displayName?: string;
  identifierUris?: Array<string>;
  isFallbackPublicClient?: boolean;
  keyCredentials?: Array<unknown>;
  notes?: string;
  objectId?: string;
  optionalClaims?: Record<string, unknown>;
  owners?: Array<string>;
  passwordCredentials?: Array<unknown>;
  publicClient?: ApplicationPropertiesPublicClient;
  requiredResourceAccess?: Array<unknown>;
  serviceManagementReference?: string;
  signInAudience?: string;
  spa?: ApplicationPropertiesSpa;
  tags?: Array<string>;
  web?: ApplicationPropertiesWeb;
};

export type ApplicationPropertiesPublicClient = {
  redirectUris?: Array<string>;
};

export type ApplicationPropertiesSpa = {
  redirectUris?: Array<string>;
};

export type ApplicationPropertiesWeb = {
  homePageUrl?: string;
  implicitGrantSettings?: Record<string, unknown>;
  logoutUrl?: string;
  redirectUris?: Array<string>;
};

export type ConnectedCluster = {
  etag?: string;
  id: string;
  identity?: ConnectedClusterIdentity;
  kind?: string;
  location?: string;
  name: string;
  properties?: ConnectedClusterProperties;
  systemData?: SystemData;
  tags?: Record<string, string>;
  type: string;
};

export type ConnectedClusterIdentity = {
  principalId?: string;
  tenantId?: string;
  type?: string;
};

export type ConnectedClusterList = {
  nextLink?: string;
  value: Array<ConnectedCluster>;
};

export type ConnectedClusterProperties = {
  aadProfile?: ConnectedClusterPropertiesAadProfile;
  agentPublicKeyCertificate?: string;
  agentVersion?: string;
  arcAgentProfile?: ConnectedClusterPropertiesArcAgentProfile;
  arcAgentryConfigurations?: Array<ConnectedClusterPropertiesArcAgentryConfigurations>;
  azureHybridBenefit?: string;
  connectivityStatus?: string;
  distribution?: string;
  distributionVersion?: string;
  gateway?: ConnectedClusterPropertiesGateway;
  infrastructure?: string;
  kubernetesVersion?: string;
  lastConnectivityTime?: string;
  managedIdentityCertificateExpirationTime?: string;
  miscellaneousProperties?: Record<string, string>;
  offering?: string;
  oidcIssuerProfile?: ConnectedClusterPropertiesOidcIssuerProfile;
  privateLinkScopeResourceId?: string;
  privateLinkState?: string;
  provisioningState?: string;
  securityProfile?: ConnectedClusterPropertiesSecurityProfile;
  totalCoreCount?: number;
  totalNodeCount?: number;
};

export type ConnectedClusterPropertiesAadProfile = {
  adminGroupObjectIDs?: Array<string>;
  enableAzureRBAC?: boolean;
  tenantID?: string;
};

export type ConnectedClusterPropertiesArcAgentProfile = {
  agentAutoUpgrade?: string;
  agentErrors?: Array<ConnectedClusterPropertiesArcAgentProfileAgentErrors>;
  agentState?: string;
  desiredAgentVersion?: string;
  systemComponents?: Array<ConnectedClusterPropertiesArcAgentProfileSystemComponents>;
};

export type ConnectedClusterPropertiesArcAgentProfileAgentErrors = {
  component?: string;
  message?: string;
  severity?: string;
  time?: string;
};

export type ConnectedClusterPropertiesArcAgentProfileSystemComponents = {
  currentVersion?: string;
  majorVersion?: number;
  type?: string;
  userSpecifiedVersion?: string;
};

export type ConnectedClusterPropertiesArcAgentryConfigurations = {
  feature?: string;
  protectedSettings?: Record<string, string>;
  settings?: Record<string, string>;
};

export type ConnectedClusterPropertiesGateway = {
  enabled?: boolean;
};

export type ConnectedClusterPropertiesOidcIssuerProfile = {
  enabled?: boolean;
  issuerUrl?: string;
  selfHostedIssuerUrl?: string;
};

export type ConnectedClusterPropertiesSecurityProfile = {
  workloadIdentity?: ConnectedClusterPropertiesSecurityProfileWorkloadIdentity;
};

export type ConnectedClusterPropertiesSecurityProfileWorkloadIdentity = {
  enabled?: boolean;
};

export type DenyAssignment = {
  id: string;
  name: string;
  properties?: DenyAssignmentProperties;
  systemData?: SystemData;
  type: string;
};

export type DenyAssignmentList = {
  nextLink?: string;
  value: Array<DenyAssignment>;
};

export type DenyAssignmentProperties = {
  condition?: string;
  conditionVersion?: string;
  denyAssignmentName?: string;
  description?: string;
  doNotApplyToChildScopes?: boolean;
  excludePrincipals?: Array<unknown>;
  isSystemProtected?: boolean;
  permissions?: Array<unknown>;
  principals?: Array<unknown>;
  scope?: string;
};

export type EnrollmentToken = {
  etag?: string;
  id: string;
  name: string;
  properties?: EnrollmentTokenProperties;
  systemData?: SystemData;
  type: string;
};

export type EnrollmentTokenList = {
  nextLink?: string;
  value: Array<EnrollmentToken>;
};

export type EnrollmentTokenProperties = {
  description?: string;
  expiresOn?: string;
  maxUses?: number;
  resourceTypes?: Array<string>;
  uses?: number;
};

export type ErrorDetail = {
  code: string;
  details?: Array<ErrorDetail>;
  message: string;
  target?: string;
};

export type ErrorResponse = {
  error: ErrorDetail;
};

export type Gateway = {
  etag?: string;
  id: string;
  location?: string;
  name: string;
  properties?: GatewayProperties;
  systemData?: SystemData;
  tags?: Record<string, string>;
  type: string;
};

export type GatewayList = {
  nextLink?: string;
  value: Array<Gateway>;
};

export type GatewayProperties = {
  allowedFeatures?: Array<string>;
  gatewayBypass?: Array<string>;
  gatewayEndpoint?: string;
  gatewayId?: string;
  gatewayType?: string;
  provisioningState?: string;
};

export type Group = {
  etag?: string;
  id: string;
  name: string;
  properties?: GroupProperties;
  systemData?: SystemData;
  type: string;
};

export type GroupList = {
  nextLink?: string;
  value: Array<Group>;
};

export type GroupProperties = {
  description?: string;
  displayName?: string;
  mappedFrom?: Array<string>;
  members?: Array<string>;
  objectId?: string;
  owners?: Array<string>;
};

export type KubernetesObject = {
  id: string;
  name: string;
  properties: KubernetesObjectProperties;
  type: string;
};

export type KubernetesObjectList = {
  nextLink?: string;
  value: Array<KubernetesObject>;
};

export type KubernetesObjectProperties = {
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string;
  object?: Record<string, unknown>;
  observedAt?: string;
};

export type License = {
  etag?: string;
  id: string;
  location?: string;
  name: string;
  properties?: LicenseProperties;
  systemData?: SystemData;
  tags?: Record<string, string>;
  type: string;
};

export type LicenseList = {
  nextLink?: string;
  value: Array<License>;
};

export type LicenseProperties = {
  licenseDetails?: LicensePropertiesLicenseDetails;
  licenseType?: string;
  provisioningState?: string;
  tenantId?: string;
};

export type LicensePropertiesLicenseDetails = {
  assignedLicenses?: number;
  edition?: string;
  immutableId?: string;
  processors?: number;
  state?: string;
  target?: string;
  type?: string;
  volumeLicenseDetails?: Array<LicensePropertiesLicenseDetailsVolumeLicenseDetails>;
};

export type LicensePropertiesLicenseDetailsVolumeLicenseDetails = {
  invoiceId?: string;
  programYear?: string;
};

export type Location = {
  etag?: string;
  id: string;
  name: string;
  properties?: LocationProperties;
  systemData?: SystemData;
  type: string;
};

export type LocationList = {
  nextLink?: string;
  value: Array<Location>;
};

export type LocationProperties = {
  displayName?: string;
  geographyGroup?: string;
};

export type Lock = {
  etag?: string;
  id: string;
  name: string;
  properties?: LockProperties;
  systemData?: SystemData;
  type: string;
};

export type LockList = {
  nextLink?: string;
  value: Array<Lock>;
};

export type LockProperties = {
  level?: string;
  notes?: string;
  owners?: Array<unknown>;
};

export type Machine = {
  etag?: string;
  id: string;
  identity?: MachineIdentity;
  kind?: string;
  location?: string;
  name: string;
  properties?: MachineProperties;
  resources?: Record<string, unknown>;
  systemData?: SystemData;
  tags?: Record<string, string>;
  type: string;
};

export type MachineExtension = {
  etag?: string;
  id: string;
  location?: string;
  name: string;
  properties?: MachineExtensionProperties;
  systemData?: SystemData;
  tags?: Record<string, string>;
  type: string;
};

export type MachineExtensionList = {
  nextLink?: string;
  value: Array<MachineExtension>;
};

export type MachineExtensionProperties = {
  autoUpgradeMinorVersion?: boolean;
  enableAutomaticUpgrade?: boolean;
  forceUpdateTag?: string;
  instanceView?: MachineExtensionPropertiesInstanceView;
  protectedSettings?: Record<string, unknown>;
  provisioningState?: string;
  publisher?: string;
  settings?: Record<string, unknown>;
  type?: string;
  typeHandlerVersion?: string;
};

export type MachineExtensionPropertiesInstanceView = {
  name?: string;
  status?: MachineExtensionPropertiesInstanceViewStatus;
  type?: string;
  typeHandlerVersion?: string;
};

export type MachineExtensionPropertiesInstanceViewStatus = {
  code?: string;
  displayStatus?: string;
  level?: string;
  message?: string;
  time?: string;
};

export type MachineIdentity = {
  principalId?: string;
  tenantId?: string;
  type?: string;
  userAssignedIdentities?: Record<string, unknown>;
};

export type MachineLicenseProfile = {
  etag?: string;
  id: string;
  location?: string;
  name: string;
  properties?: MachineLicenseProfileProperties;
  systemData?: SystemData;
  tags?: Record<string, string>;
  type: string;
};

export type MachineLicenseProfileList = {
  nextLink?: string;
  value: Array<MachineLicenseProfile>;
};

export type MachineLicenseProfileProperties = {
  esuProfile?: MachineLicenseProfilePropertiesEsuProfile;
  productProfile?: MachineLicenseProfilePropertiesProductProfile;
  provisioningState?: string;
  softwareAssurance?: MachineLicenseProfilePropertiesSoftwareAssurance;
};

export type MachineLicenseProfilePropertiesEsuProfile = {
  assignedLicense?: string;
  assignedLicenseImmutableId?: string;
  esuEligibility?: string;
  esuKeyState?: string;
  esuKeys?: Array<MachineLicenseProfilePropertiesEsuProfileEsuKeys>;
  serverType?: string;
};

export type MachineLicenseProfilePropertiesEsuProfileEsuKeys = {
  licenseStatus?: number;
  sku?: string;
};

export type MachineLicenseProfilePropertiesProductProfile = {
  billingEndDate?: string;
  billingStartDate?: string;
  disenrollmentDate?: string;
  enrollmentDate?: string;
  error?: MachineLicenseProfilePropertiesProductProfileError;
  productFeatures?: Array<MachineLicenseProfilePropertiesProductProfileProductFeatures>;
  productType?: string;
  subscriptionStatus?: string;
};

export type MachineLicenseProfilePropertiesProductProfileError = {
  additionalInfo?: Array<MachineLicenseProfilePropertiesProductProfileErrorAdditionalInfo>;
  code?: string;
  details?: Array<unknown>;
  message?: string;
  target?: string;
};

export type MachineLicenseProfilePropertiesProductProfileErrorAdditionalInfo = {
  info?: Record<string, unknown>;
  type?: string;
};

export type MachineLicenseProfilePropertiesProductProfileProductFeatures = {
  billingEndDate?: string;
  billingStartDate?: string;
  disenrollmentDate?: string;
  enrollmentDate?: string;
  error?: MachineLicenseProfilePropertiesProductProfileProductFeaturesError;
  name?: string;
  subscriptionStatus?: string;
};

export type MachineLicenseProfilePropertiesProductProfileProductFeaturesError = {
  additionalInfo?: Array<MachineLicenseProfilePropertiesProductProfileProductFeaturesErrorAdditionalInfo>;
  code?: string;
  details?: Array<unknown>;
  message?: string;
  target?: string;
};

export type MachineLicenseProfilePropertiesProductProfileProductFeaturesErrorAdditionalInfo = {
  info?: Record<string, unknown>;
  type?: string;
};

export type MachineLicenseProfilePropertiesSoftwareAssurance = {
  softwareAssuranceCustomer?: boolean;
};

export type MachineList = {
  nextLink?: string;
  value: Array<Machine>;
};

export type MachineProperties = {
  adFqdn?: string;
  agentConfiguration?: MachinePropertiesAgentConfiguration;
  agentUpgrade?: MachinePropertiesAgentUpgrade;
  agentVersion?: string;
  clientPublicKey?: string;
  cloudMetadata?: MachinePropertiesCloudMetadata;
  detectedProperties?: Record<string, string>;
  displayName?: string;
  dnsFqdn?: string;
  domainName?: string;
  errorDetails?: Array<MachinePropertiesErrorDetails>;
  extensions?: Array<MachinePropertiesExtensions>;
  firmwareProfile?: MachinePropertiesFirmwareProfile;
  hardwareProfile?: MachinePropertiesHardwareProfile;
  hardwareResourceId?: string;
  identityKeyStore?: string;
  lastStatusChange?: string;
  licenseProfile?: MachinePropertiesLicenseProfile;
  locationData?: MachinePropertiesLocationData;
  machineFqdn?: string;
  mssqlDiscovered?: string;
  networkProfile?: MachinePropertiesNetworkProfile;
  osEdition?: string;
  osName?: string;
  osProfile?: MachinePropertiesOsProfile;
  osSku?: string;
  osType?: string;
  osVersion?: string;
  parentClusterResourceId?: string;
  privateLinkScopeResourceId?: string;
  provisioningState?: string;
  serviceStatuses?: MachinePropertiesServiceStatuses;
  status?: string;
  statusReason?: string;
  storageProfile?: MachinePropertiesStorageProfile;
  tpmEkCertificate?: string;
  vmId?: string;
  vmUuid?: string;
};

export type MachinePropertiesAgentConfiguration = {
  configMode?: string;
  extensionsAllowList?: Array<MachinePropertiesAgentConfigurationExtensionsAllowList>;
  extensionsBlockList?: Array<MachinePropertiesAgentConfigurationExtensionsBlockList>;
  extensionsEnabled?: string;
  guestConfigurationEnabled?: string;
  incomingConnectionsPorts?: Array<string>;
  proxyBypass?: Array<string>;
  proxyUrl?: string;
};

export type MachinePropertiesAgentConfigurationExtensionsAllowList = {
  publisher?: string;
  type?: string;
};

export type MachinePropertiesAgentConfigurationExtensionsBlockList = {
  publisher?: string;
  type?: string;
};

export type MachinePropertiesAgentUpgrade = {
  correlationId?: string;
  desiredVersion?: string;
  enableAutomaticUpgrade?: boolean;
  lastAttemptDesiredVersion?: string;
  lastAttemptMessage?: string;
  lastAttemptStatus?: string;
  lastAttemptTimestamp?: string;
};

export type MachinePropertiesCloudMetadata = {
  provider?: string;
};

export type MachinePropertiesErrorDetails = {
  additionalInfo?: Array<MachinePropertiesErrorDetailsAdditionalInfo>;
  code?: string;
  details?: Array<MachinePropertiesErrorDetailsDetails>;
  message?: string;
  target?: string;
};

export type MachinePropertiesErrorDetailsAdditionalInfo = {
  info?: Record<string, unknown>;
  type?: string;
};

export type MachinePropertiesErrorDetailsDetails = {
  additionalInfo?: Array<MachinePropertiesErrorDetailsDetailsAdditionalInfo>;
  code?: string;
  details?: Record<string, unknown>;
  message?: string;
  target?: string;
};

export type MachinePropertiesErrorDetailsDetailsAdditionalInfo = {
  info?: Record<string, unknown>;
  type?: string;
};

export type MachinePropertiesExtensions = {
  name?: string;
  status?: MachinePropertiesExtensionsStatus;
  type?: string;
  typeHandlerVersion?: string;
};

export type MachinePropertiesExtensionsStatus = {
  code?: string;
  displayStatus?: string;
  level?: string;
  message?: string;
  time?: string;
};

export type MachinePropertiesFirmwareProfile = {
  serialNumber?: string;
  type?: string;
};

export type MachinePropertiesHardwareProfile = {
  numberOfCpuSockets?: number;
  processors?: Array<MachinePropertiesHardwareProfileProcessors>;
  totalPhysicalMemoryInBytes?: number;
};

export type MachinePropertiesHardwareProfileProcessors = {
  name?: string;
  numberOfCores?: number;
};

export type MachinePropertiesLicenseProfile = {
  esuProfile?: MachinePropertiesLicenseProfileEsuProfile;
  licenseChannel?: string;
  licenseStatus?: string;
  productProfile?: MachinePropertiesLicenseProfileProductProfile;
  softwareAssurance?: MachinePropertiesLicenseProfileSoftwareAssurance;
};

export type MachinePropertiesLicenseProfileEsuProfile = {
  assignedLicense?: MachinePropertiesLicenseProfileEsuProfileAssignedLicense;
  assignedLicenseImmutableId?: string;
  esuEligibility?: string;
  esuKeyState?: string;
  esuKeys?: Array<MachinePropertiesLicenseProfileEsuProfileEsuKeys>;
  licenseAssignmentState?: string;
  serverType?: string;
};

export type MachinePropertiesLicenseProfileEsuProfileAssignedLicense = {
  id?: string;
  location?: string;
  name?: string;
  properties?: MachinePropertiesLicenseProfileEsuProfileAssignedLicenseProperties;
  systemData?: MachinePropertiesLicenseProfileEsuProfileAssignedLicenseSystemData;
  tags?: Record<string, string>;
  type?: string;
};

export type MachinePropertiesLicenseProfileEsuProfileAssignedLicenseProperties = {
  licenseDetails?: MachinePropertiesLicenseProfileEsuProfileAssignedLicensePropertiesLicenseDetails;
  licenseType?: string;
  provisioningState?: string;
  tenantId?: string;
};

export type MachinePropertiesLicenseProfileEsuProfileAssignedLicensePropertiesLicenseDetails = {
  assignedLicenses?: number;
  edition?: string;
  immutableId?: string;
  processors?: number;
  state?: string;
  target?: string;
  type?: string;
  volumeLicenseDetails?: Array<MachinePropertiesLicenseProfileEsuProfileAssignedLicensePropertiesLicenseDetailsVolumeLicenseDetails>;
};

export type MachinePropertiesLicenseProfileEsuProfileAssignedLicensePropertiesLicenseDetailsVolumeLicenseDetails = {
  invoiceId?: string;
  programYear?: string;
};

export type MachinePropertiesLicenseProfileEsuProfileAssignedLicenseSystemData = {
  createdAt?: string;
  createdBy?: string;
  createdByType?: string;
  lastModifiedAt?: string;
  lastModifiedBy?: string;
  lastModifiedByType?: string;
};

export type MachinePropertiesLicenseProfileEsuProfileEsuKeys = {
  licenseStatus?: number;
  sku?: string;
};

export type MachinePropertiesLicenseProfileProductProfile = {
  billingEndDate?: string;
  billingStartDate?: string;
  disenrollmentDate?: string;
  enrollmentDate?: string;
  error?: MachinePropertiesLicenseProfileProductProfileError;
  productFeatures?: Array<MachinePropertiesLicenseProfileProductProfileProductFeatures>;
  productType?: string;
  subscriptionStatus?: string;
};

export type MachinePropertiesLicenseProfileProductProfileError = {
  additionalInfo?: Array<MachinePropertiesLicenseProfileProductProfileErrorAdditionalInfo>;
  code?: string;
  details?: Array<unknown>;
  message?: string;
  target?: string;
};

export type MachinePropertiesLicenseProfileProductProfileErrorAdditionalInfo = {
  info?: Record<string, unknown>;
  type?: string;
};

export type MachinePropertiesLicenseProfileProductProfileProductFeatures = {
  billingEndDate?: string;
  billingStartDate?: string;
  disenrollmentDate?: string;
  enrollmentDate?: string;
  error?: MachinePropertiesLicenseProfileProductProfileProductFeaturesError;
  name?: string;
  subscriptionStatus?: string;
};

export type MachinePropertiesLicenseProfileProductProfileProductFeaturesError = {
  additionalInfo?: Array<MachinePropertiesLicenseProfileProductProfileProductFeaturesErrorAdditionalInfo>;
  code?: string;
  details?: Array<unknown>;
  message?: string;
  target?: string;
};

export type MachinePropertiesLicenseProfileProductProfileProductFeaturesErrorAdditionalInfo = {
  info?: Record<string, unknown>;
  type?: string;
};

export type MachinePropertiesLicenseProfileSoftwareAssurance = {
  softwareAssuranceCustomer?: boolean;
};

export type MachinePropertiesLocationData = {
  city?: string;
  countryOrRegion?: string;
  district?: string;
  name?: string;
};

export type MachinePropertiesNetworkProfile = {
  networkInterfaces?: Array<MachinePropertiesNetworkProfileNetworkInterfaces>;
};

export type MachinePropertiesNetworkProfileNetworkInterfaces = {
  id?: string;
  ipAddresses?: Array<MachinePropertiesNetworkProfileNetworkInterfacesIpAddresses>;
  macAddress?: string;
  name?: string;
};

export type MachinePropertiesNetworkProfileNetworkInterfacesIpAddresses = {
  address?: string;
  ipAddressVersion?: string;
  subnet?: Record<string, unknown>;
};

export type MachinePropertiesOsProfile = {
  computerName?: string;
  linuxConfiguration?: MachinePropertiesOsProfileLinuxConfiguration;
  windowsConfiguration?: MachinePropertiesOsProfileWindowsConfiguration;
};

export type MachinePropertiesOsProfileLinuxConfiguration = {
  patchSettings?: MachinePropertiesOsProfileLinuxConfigurationPatchSettings;
};

export type MachinePropertiesOsProfileLinuxConfigurationPatchSettings = {
  assessmentMode?: string;
  enableHotpatching?: boolean;
  patchMode?: string;
  status?: MachinePropertiesOsProfileLinuxConfigurationPatchSettingsStatus;
};

export type MachinePropertiesOsProfileLinuxConfigurationPatchSettingsStatus = {
  error?: MachinePropertiesOsProfileLinuxConfigurationPatchSettingsStatusError;
  hotpatchEnablementStatus?: string;
};

export type MachinePropertiesOsProfileLinuxConfigurationPatchSettingsStatusError = {
  additionalInfo?: Record<string, unknown>;
  code?: string;
  details?: Record<string, unknown>;
  message?: string;
  target?: string;
};

export type MachinePropertiesOsProfileWindowsConfiguration = {
  patchSettings?: MachinePropertiesOsProfileWindowsConfigurationPatchSettings;
};

export type MachinePropertiesOsProfileWindowsConfigurationPatchSettings = {
  assessmentMode?: string;
  enableHotpatching?: boolean;
  patchMode?: string;
  status?: MachinePropertiesOsProfileWindowsConfigurationPatchSettingsStatus;
};

export type MachinePropertiesOsProfileWindowsConfigurationPatchSettingsStatus = {
  error?: MachinePropertiesOsProfileWindowsConfigurationPatchSettingsStatusError;
  hotpatchEnablementStatus?: string;
};

export type MachinePropertiesOsProfileWindowsConfigurationPatchSettingsStatusError = {
  additionalInfo?: Record<string, unknown>;
  code?: string;
  details?: Record<string, unknown>;
  message?: string;
  target?: string;
};

export type MachinePropertiesServiceStatuses = {
  extensionService?: MachinePropertiesServiceStatusesExtensionService;
  guestConfigurationService?: MachinePropertiesServiceStatusesGuestConfigurationService;
};

export type MachinePropertiesServiceStatusesExtensionService = {
  startupType?: string;
  status?: string;
};

export type MachinePropertiesServiceStatusesGuestConfigurationService = {
  startupType?: string;
  status?: string;
};

export type MachinePropertiesStorageProfile = {
  disks?: Array<MachinePropertiesStorageProfileDisks>;
};

export type MachinePropertiesStorageProfileDisks = {
  diskType?: string;
  generatedId?: string;
  id?: string;
  maxSizeInBytes?: number;
  name?: string;
  path?: string;
  usedSpaceInBytes?: number;
};

export type MachineRunCommand = {
  etag?: string;
  id: string;
  location?: string;
  name: string;
  properties?: MachineRunCommandProperties;
  systemData?: SystemData;
  tags?: Record<string, string>;
  type: string;
};

export type MachineRunCommandList = {
  nextLink?: string;
  value: Array<MachineRunCommand>;
};

export type MachineRunCommandProperties = {
  asyncExecution?: boolean;
  errorBlobManagedIdentity?: MachineRunCommandPropertiesErrorBlobManagedIdentity;
  errorBlobUri?: string;
  instanceView?: MachineRunCommandPropertiesInstanceView;
  outputBlobManagedIdentity?: MachineRunCommandPropertiesOutputBlobManagedIdentity;
  outputBlobUri?: string;
  parameters?: Array<MachineRunCommandPropertiesParameters>;
  protectedParameters?: Array<MachineRunCommandPropertiesProtectedParameters>;
  provisioningState?: string;
  runAsPassword?: string;
  runAsUser?: string;
  source?: MachineRunCommandPropertiesSource;
  timeoutInSeconds?: number;
};

export type MachineRunCommandPropertiesErrorBlobManagedIdentity = {
  clientId?: string;
  objectId?: string;
};

export type MachineRunCommandPropertiesInstanceView = {
  endTime?: string;
  error?: string;
  executionMessage?: string;
  executionState?: string;
  exitCode?: number;
  output?: string;
  startTime?: string;
  statuses?: Array<MachineRunCommandPropertiesInstanceViewStatuses>;
};

export type MachineRunCommandPropertiesInstanceViewStatuses = {
  code?: string;
  displayStatus?: string;
  level?: string;
  message?: string;
  time?: string;
};

export type MachineRunCommandPropertiesOutputBlobManagedIdentity = {
  clientId?: string;
  objectId?: string;
};

export type MachineRunCommandPropertiesParameters = {
  name?: string;
  value?: string;
};

export type MachineRunCommandPropertiesProtectedParameters = {
  name?: string;
  value?: string;
};

export type MachineRunCommandPropertiesSource = {
  commandId?: string;
  script?: string;
  scriptUri?: string;
  scriptUriManagedIdentity?: MachineRunCommandPropertiesSourceScriptUriManagedIdentity;
};

export type MachineRunCommandPropertiesSourceScriptUriManagedIdentity = {
  clientId?: string;
  objectId?: string;
};

export type ManagementGroup = {
  etag?: string;
  id: string;
  name: string;
  properties?: ManagementGroupProperties;
  systemData?: SystemData;
  type: string;
};

export type ManagementGroupList = {
  nextLink?: string;
  value: Array<ManagementGroup>;
};

export type ManagementGroupProperties = {
  details?: ManagementGroupPropertiesDetails;
  displayName?: string;
  tenantId?: string;
};

export type ManagementGroupPropertiesDetails = {
  parent?: ManagementGroupPropertiesDetailsParent;
  updatedBy?: string;
  updatedTime?: string;
  version?: number;
};

export type ManagementGroupPropertiesDetailsParent = {
  displayName?: string;
  id?: string;
  name?: string;
};

export type PortalSession = {
  expiresOn: string;
  name: string;
  objectId: string;
  tenantId: string;
  username: string;
};

export type PrivateLinkScope = {
  etag?: string;
  id: string;
  location?: string;
  name: string;
  properties?: PrivateLinkScopeProperties;
  systemData?: SystemData;
  tags?: Record<string, string>;
  type: string;
};

export type PrivateLinkScopeList = {
  nextLink?: string;
  value: Array<PrivateLinkScope>;
};

export type PrivateLinkScopeNetworkSecurityPerimeterConfiguration = {
  etag?: string;
  id: string;
  name: string;
  properties?: PrivateLinkScopeNetworkSecurityPerimeterConfigurationProperties;
  systemData?: SystemData;
  type: string;
};

export type PrivateLinkScopeNetworkSecurityPerimeterConfigurationList = {
  nextLink?: string;
  value: Array<PrivateLinkScopeNetworkSecurityPerimeterConfiguration>;
};

export type PrivateLinkScopeNetworkSecurityPerimeterConfigurationProperties = {
  networkSecurityPerimeter?: PrivateLinkScopeNetworkSecurityPerimeterConfigurationPropertiesNetworkSecurityPerimeter;
  profile?: PrivateLinkScopeNetworkSecurityPerimeterConfigurationPropertiesProfile;
  provisioningIssues?: Array<PrivateLinkScopeNetworkSecurityPerimeterConfigurationPropertiesProvisioningIssues>;
  provisioningState?: string;
  resourceAssociation?: PrivateLinkScopeNetworkSecurityPerimeterConfigurationPropertiesResourceAssociation;
};

export type PrivateLinkScopeNetworkSecurityPerimeterConfigurationPropertiesNetworkSecurityPerimeter = {
  id?: string;
  location?: string;
  perimeterGuid?: string;
};

export type PrivateLinkScopeNetworkSecurityPerimeterConfigurationPropertiesProfile = {
  accessRules?: Array<PrivateLinkScopeNetworkSecurityPerimeterConfigurationPropertiesProfileAccessRules>;
  accessRulesVersion?: number;
  diagnosticSettingsVersion?: number;
  enabledLogCategories?: Array<string>;
  name?: string;
};

export type PrivateLinkScopeNetworkSecurityPerimeterConfigurationPropertiesProfileAccessRules = {
  name?: string;
  properties?: PrivateLinkScopeNetworkSecurityPerimeterConfigurationPropertiesProfileAccessRulesProperties;
};

export type PrivateLinkScopeNetworkSecurityPerimeterConfigurationPropertiesProfileAccessRulesProperties = {
  addressPrefixes?: Array<string>;
  direction?: string;
};

export type PrivateLinkScopeNetworkSecurityPerimeterConfigurationPropertiesProvisioningIssues = {
  name?: string;
  properties?: PrivateLinkScopeNetworkSecurityPerimeterConfigurationPropertiesProvisioningIssuesProperties;
};

export type PrivateLinkScopeNetworkSecurityPerimeterConfigurationPropertiesProvisioningIssuesProperties = {
  description?: string;
  issueType?: string;
  severity?: string;
  suggestedAccessRules?: Array<PrivateLinkScopeNetworkSecurityPerimeterConfigurationPropertiesProvisioningIssuesPropertiesSuggestedAccessRules>;
  suggestedResourceIds?: Array<string>;
};

export type PrivateLinkScopeNetworkSecurityPerimeterConfigurationPropertiesProvisioningIssuesPropertiesSuggestedAccessRules = {
  name?: string;
  properties?: PrivateLinkScopeNetworkSecurityPerimeterConfigurationPropertiesProvisioningIssuesPropertiesSuggestedAccessRulesProperties;
};

export type PrivateLinkScopeNetworkSecurityPerimeterConfigurationPropertiesProvisioningIssuesPropertiesSuggestedAccessRulesProperties = {
  addressPrefixes?: Array<string>;
  direction?: string;
};

export type PrivateLinkScopeNetworkSecurityPerimeterConfigurationPropertiesResourceAssociation = {
  accessMode?: string;
  name?: string;
};

export type PrivateLinkScopePrivateEndpointConnection = {
  etag?: string;
  id: string;
  name: string;
  properties?: PrivateLinkScopePrivateEndpointConnectionProperties;
  systemData?: SystemData;
  type: string;
};

export type PrivateLinkScopePrivateEndpointConnectionList = {
  nextLink?: string;
  value: Array<PrivateLinkScopePrivateEndpointConnection>;
};

export type PrivateLinkScopePrivateEndpointConnectionProperties = {
  groupIds?: Array<string>;
  privateEndpoint?: PrivateLinkScopePrivateEndpointConnectionPropertiesPrivateEndpoint;
  privateLinkServiceConnectionState?: PrivateLinkScopePrivateEndpointConnectionPropertiesPrivateLinkServiceConnectionState;
  provisioningState?: string;
};

export type PrivateLinkScopePrivateEndpointConnectionPropertiesPrivateEndpoint = {
  id?: string;
};

export type PrivateLinkScopePrivateEndpointConnectionPropertiesPrivateLinkServiceConnectionState = {
  actionsRequired?: string;
  description?: string;
  status?: string;
};

export type PrivateLinkScopePrivateLinkResource = {
  etag?: string;
  id: string;
  name: string;
  properties?: PrivateLinkScopePrivateLinkResourceProperties;
  systemData?: SystemData;
  type: string;
};

export type PrivateLinkScopePrivateLinkResourceList = {
  nextLink?: string;
  value: Array<PrivateLinkScopePrivateLinkResource>;
};

export type PrivateLinkScopePrivateLinkResourceProperties = {
  groupId?: string;
  requiredMembers?: Array<string>;
  requiredZoneNames?: Array<string>;
};

export type PrivateLinkScopeProperties = {
  privateEndpointConnections?: Array<PrivateLinkScopePropertiesPrivateEndpointConnections>;
  privateLinkScopeId?: string;
  provisioningState?: string;
  publicNetworkAccess?: string;
  serviceExtensions?: Array<PrivateLinkScopePropertiesServiceExtensions>;
};

export type PrivateLinkScopePropertiesPrivateEndpointConnections = {
  id?: string;
  name?: string;
  properties?: PrivateLinkScopePropertiesPrivateEndpointConnectionsProperties;
  type?: string;
};

export type PrivateLinkScopePropertiesPrivateEndpointConnectionsProperties = {
  groupIds?: Array<string>;
  privateEndpoint?: PrivateLinkScopePropertiesPrivateEndpointConnectionsPropertiesPrivateEndpoint;
  privateLinkServiceConnectionState?: PrivateLinkScopePropertiesPrivateEndpointConnectionsPropertiesPrivateLinkServiceConnectionState;
  provisioningState?: string;
};

export type PrivateLinkScopePropertiesPrivateEndpointConnectionsPropertiesPrivateEndpoint = {
  id?: string;
};

export type PrivateLinkScopePropertiesPrivateEndpointConnectionsPropertiesPrivateLinkServiceConnectionState = {
  actionsRequired?: string;
  description?: string;
  status?: string;
};

export type PrivateLinkScopePropertiesServiceExtensions = {
  serviceExtensionPublicNetworkAccess?: string;
  serviceExtensionType?: string;
};

export type Query = {
  etag?: string;
  id: string;
  location?: string;
  name: string;
  properties?: QueryProperties;
  systemData?: SystemData;
  tags?: Record<string, string>;
  type: string;
};

export type QueryColumn = {
  name: string;
  type: string;
};

export type QueryFunction = {
  doc: string;
  group: string;
  kind: "scalar" | "aggregate" | "window";
  name: string;
  signatures: Array<string>;
};

export type QueryList = {
  nextLink?: string;
  value: Array<Query>;
};

export type QueryProperties = {
  description?: string;
  query?: string;
  resultKind?: string;
  timeModified?: string;
};

/** What `render` at the end of the query asked for. */
export type QueryRender = {
  chart: string;
  properties: Record<string, string>;
};

export type QueryRequest = {
  facets?: Array<Record<string, unknown>>;
  managementGroups?: Array<string>;
  options?: QueryRequestOptions;
  query: string;
  subscriptions?: Array<string>;
};

export type QueryRequestOptions = {
  $skip?: number;
  /** Of the page before. */
  $skipToken?: string;
  /** Rows of a page, 1 to 1000; 100 without. */
  $top?: number;
  resultFormat?: "objectArray" | "table";
};

export type QueryResponse = {
  $skipToken?: string;
  count: number;
  /** Objects, or columns and rows, as `resultFormat` says. */
  data: unknown;
  facets?: Array<Record<string, unknown>>;
  render?: QueryRender;
  resultTruncated?: string;
  totalRecords: number;
};

export type QuerySchema = {
  defaultTable?: string;
  functions: Array<QueryFunction>;
  tables: Array<QueryTable>;
};

export type QueryTable = {
  columns: Array<QueryColumn>;
  name: string;
};

export type Resource = {
  etag?: string;
  id: string;
  kind?: string;
  location?: string;
  name: string;
  properties?: Record<string, unknown>;
  systemData?: SystemData;
  tags?: Record<string, string>;
  type: string;
};

export type ResourceGroup = {
  etag?: string;
  id: string;
  location?: string;
  managedBy?: string;
  name: string;
  properties?: ResourceGroupProperties;
  systemData?: SystemData;
  tags?: Record<string, string>;
  type: string;
};

export type ResourceGroupList = {
  nextLink?: string;
  value: Array<ResourceGroup>;
};

export type ResourceGroupProperties = {
  provisioningState?: string;
};

export type RoleAssignment = {
  etag?: string;
  id: string;
  name: string;
  properties?: RoleAssignmentProperties;
  systemData?: SystemData;
  type: string;
};

export type RoleAssignmentList = {
  nextLink?: string;
  value: Array<RoleAssignment>;
};

export type RoleAssignmentProperties = {
  condition?: string;
  conditionVersion?: string;
  createdBy?: string;
  createdOn?: string;
  delegatedManagedIdentityResourceId?: string;
  description?: string;
  principalId?: string;
  principalType?: string;
  roleDefinitionId?: string;
  scope?: string;
  updatedBy?: string;
  updatedOn?: string;
};

export type RoleDefinition = {
  etag?: string;
  id: string;
  name: string;
  properties?: RoleDefinitionProperties;
  systemData?: SystemData;
  type: string;
};

export type RoleDefinitionList = {
  nextLink?: string;
  value: Array<RoleDefinition>;
};

export type RoleDefinitionProperties = {
  assignableScopes?: Array<string>;
  createdBy?: string;
  createdOn?: string;
  description?: string;
  permissions?: Array<unknown>;
  roleName?: string;
  type?: string;
  updatedBy?: string;
  updatedOn?: string;
};

export type Server = {
  id?: string;
  name?: string;
  properties?: ServerProperties;
  type?: string;
};

export type ServerLimit = {
  limit?: number;
  name?: string;
  percent?: number;
  used?: number;
};

export type ServerList = {
  value: Array<Server>;
};

export type ServerProperties = {
  feedLag?: number;
  limits?: Array<ServerLimit>;
  load?: number;
  name?: string;
  nextLimit?: string;
  openSessions?: number;
  sessions?: number;
  state?: "Live" | "Draining" | "Gone";
  tasks?: Array<ServerTask>;
  version?: string;
};

export type ServerTask = {
  epoch?: number;
  name?: string;
};

export type ServicePrincipal = {
  etag?: string;
  id: string;
  name: string;
  properties?: ServicePrincipalProperties;
  systemData?: SystemData;
  type: string;
};

export type ServicePrincipalList = {
  nextLink?: string;
  value: Array<ServicePrincipal>;
};

export type ServicePrincipalProperties = {
  accountEnabled?: boolean;
  appId?: string;
  appRoleAssignmentRequired?: boolean;
  description?: string;
  displayName?: string;
  keyCredentials?: Array<unknown>;
  notes?: string;
  objectId?: string;
  owners?: Array<string>;
  passwordCredentials?: Array<unknown>;
  publicKeys?: Array<string>;
  tags?: Array<string>;
};

export type Setting = {
  etag?: string;
  id: string;
  name: string;
  properties?: SettingProperties;
  systemData?: SystemData;
  type: string;
};

export type SettingList = {
  nextLink?: string;
  value: Array<Setting>;
};

export type SettingProperties = {
  gatewayProperties?: SettingPropertiesGatewayProperties;
  tenantId?: string;
};

export type SettingPropertiesGatewayProperties = {
  gatewayResourceId?: string;
};

export type Subscription = {
  authorizationSource?: string;
  displayName?: string;
  etag?: string;
  id: string;
  managedByTenants?: Array<unknown>;
  name: string;
  properties?: Record<string, unknown>;
  state?: string;
  subscriptionId?: string;
  subscriptionPolicies?: Record<string, unknown>;
  systemData?: SystemData;
  tags?: Record<string, string>;
  tenantId?: string;
  type: string;
};

export type SubscriptionList = {
  nextLink?: string;
  value: Array<Subscription>;
};

export type SystemData = {
  createdAt?: string;
  createdBy?: string;
  createdByType?: string;
  lastModifiedAt?: string;
  lastModifiedBy?: string;
  lastModifiedByType?: string;
};

export type User = {
  etag?: string;
  id: string;
  name: string;
  properties?: UserProperties;
  systemData?: SystemData;
  type: string;
};

export type UserAssignedIdentity = {
  etag?: string;
  id: string;
  location?: string;
  name: string;
  properties?: UserAssignedIdentityProperties;
  systemData?: SystemData;
  tags?: Record<string, string>;
  type: string;
};

export type UserAssignedIdentityFederatedIdentityCredential = {
  etag?: string;
  id: string;
  name: string;
  properties?: UserAssignedIdentityFederatedIdentityCredentialProperties;
  systemData?: SystemData;
  type: string;
};

export type UserAssignedIdentityFederatedIdentityCredentialList = {
  nextLink?: string;
  value: Array<UserAssignedIdentityFederatedIdentityCredential>;
};

export type UserAssignedIdentityFederatedIdentityCredentialProperties = {
  audiences?: Array<string>;
  issuer?: string;
  subject?: string;
};

export type UserAssignedIdentityList = {
  nextLink?: string;
  value: Array<UserAssignedIdentity>;
};

export type UserAssignedIdentityProperties = {
  clientId?: string;
  isolationScope?: string;
  principalId?: string;
  tenantId?: string;
};

export type UserList = {
  nextLink?: string;
  value: Array<User>;
};

export type UserProperties = {
  accountEnabled?: boolean;
  displayName?: string;
  givenName?: string;
  jobTitle?: string;
  mail?: string;
  objectId?: string;
  password?: string;
  passwordChangedOn?: string;
  surname?: string;
  upstreamGroups?: Array<string>;
  upstreamIssuer?: string;
  upstreamSubject?: string;
  username?: string;
};
