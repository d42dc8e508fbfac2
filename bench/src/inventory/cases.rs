//! The questions, in the shapes that Azure publishes for Resource Graph; `bench/peers/inventory.py` has the same in SQL, under the same names.

/// Asked of resources. `NAME` and `ID` stand for those of one that is looked up.
pub(super) const RESOURCES: [(&str, &str); 14] = [
    (
        "count by type",
        "Resources | summarize n = count() by type | order by n desc, type asc | project type, n",
    ),
    (
        "two members",
        "Resources | where type =~ 'Microsoft.Kubernetes/connectedClusters' and properties.connectivityStatus == 'Connected' \
         | summarize n = count() by location, v = tostring(properties.kubernetesVersion) | order by n desc, location asc, v asc | project location, v, n",
    ),
    (
        "top of a search",
        "Resources | where name contains '9917' | project name, type, resourceGroup | order by name asc | take 10",
    ),
    (
        "a tag",
        "Resources | where tags.env =~ 'prod' | summarize n = count() by location | order by location asc",
    ),
    (
        "all tags",
        "Resources | mv-expand tags | extend k = tostring(bag_keys(tags)[0]) | extend v = tostring(tags[k]) \
         | summarize n = count() by k, v | order by k asc, v asc",
    ),
    (
        "join of containers",
        "Resources | where type =~ 'microsoft.hybridcompute/machines' \
         | join kind=leftouter (ResourceContainers | where type =~ 'microsoft.resources/subscriptions' | project subscription = name, subscriptionId) on subscriptionId \
         | summarize n = count() by subscription | order by n desc, subscription asc | project subscription, n",
    ),
    (
        "join of types",
        "Resources | where type =~ 'microsoft.hybridcompute/machines' | project cluster = tostring(properties.hostCluster) \
         | join kind=inner (Resources | where type =~ 'microsoft.kubernetes/connectedclusters' | project cluster = name, v = tostring(properties.kubernetesVersion)) on cluster \
         | summarize n = count() by v | order by n desc, v asc | take 10 | project v, n",
    ),
    (
        "by day",
        "Resources | where type =~ 'microsoft.hybridcompute/machines' | summarize n = count() by d = bin(todatetime(properties.lastStatusChange), 1d) \
         | order by d asc | project d = format_datetime(d, 'yyyy-MM-dd'), n",
    ),
    (
        "top of a nested number",
        "Resources | where type =~ 'microsoft.hybridcompute/machines' \
         | project name, cores = tolong(properties.detectedProperties.coreCount), memory = tolong(properties.detectedProperties.totalPhysicalMemoryInGigabytes) \
         | order by cores desc, memory desc, name asc | take 10",
    ),
    (
        "parse",
        "Resources | where type =~ 'microsoft.hybridcompute/machines' | parse name with 'srv-' site '-' * | summarize n = count() by site \
         | order by n desc, site asc | take 10 | project site, n",
    ),
    (
        "extensions",
        "Resources | where type =~ 'microsoft.hybridcompute/machines/extensions' \
         | summarize n = count(), f = countif(properties.provisioningState != 'Succeeded') by e = strcat(properties.publisher, '/', properties.type) | order by e asc",
    ),
    (
        "addresses",
        "Resources | where type =~ 'microsoft.hybridcompute/machines' | mv-expand card = properties.networkProfile.networkInterfaces | mv-expand ip = card.ipAddresses \
         | where tostring(ip.address) startswith '10.7.' | count",
    ),
    ("one name", "Resources | where name == 'NAME' | project id, type, location"),
    ("one id", "Resources | where id =~ 'ID' | project name, type, location"),
];

/// Asked of Kubernetes objects.
pub(super) const OBJECTS: [(&str, &str); 4] = [
    ("count by kind", "KubernetesObjects | summarize n = count() by kind | order by n desc, kind asc"),
    (
        "pods that wait",
        "KubernetesObjects | where kind == 'Pod' and status.phase != 'Running' | summarize n = count() by clusterName | order by n desc, clusterName asc | take 10",
    ),
    (
        "images of a registry",
        "KubernetesObjects | where kind == 'Pod' | mv-expand container = spec.containers | where tostring(container.image) startswith 'docker.io/' \
         | summarize n = count() by tostring(container.image) | order by n desc, container_image asc | take 10",
    ),
    (
        "a label",
        "KubernetesObjects | where labels.app == 'app-7' and kind == 'Deployment' | summarize n = count() by namespace | order by namespace asc",
    ),
];
